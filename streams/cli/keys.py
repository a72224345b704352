"""``misfire keys``: the keyring from which a runtime makes tokens. It stays with the runtime; no other part needs it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Json
from streams.cli.output import note, write_json

if TYPE_CHECKING:
    from streams.files.keyring import Keyring

app = typer.Typer(
    help="Make and rotate the keys of tokens, and throw a household's secret away.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help="The keyring.", metavar="FILE", show_default=False)]


@app.command()
def new(
    file: File,
    tenant: Annotated[
        str,
        typer.Option(help="Whose keys they are; two tenants never share one.", show_default=False),
    ],
    overlap_days: Annotated[
        float,
        typer.Option(
            help="Days for which an old key stays valid after a rotation.", min=0, max=366
        ),
    ] = 30.0,
    household_key: Annotated[
        str,
        typer.Option(
            help="Id of the key that makes households' ids; another one for each tenant of a gateway, such as hacme.",
            metavar="ID",
        ),
    ] = "h1",
    json: Json = None,
) -> None:
    """Draw a tenant's first keys."""
    from streams.errors import UsageError
    from streams.files.atomic import locked
    from streams.files.keyring import KEY_ID, new_keyring

    if not re.fullmatch(KEY_ID, household_key) or household_key == "k1":
        raise UsageError(
            f"--household-key {household_key}: an id is up to 16 small letters and digits, a letter first, and not k1"
        )
    with locked(file):
        if file.exists():
            raise UsageError(
                f"{file} is there already, and its keys cannot be made again; name another file"
            )
        _write(file, new_keyring(tenant, datetime.now(UTC), overlap_days, household_key), json)


@app.command()
def rotate(file: File, json: Json = None) -> None:
    """Add a key that is used from now on; the one before stays valid for the keyring's overlap."""
    from streams.files.atomic import locked
    from streams.files.keyring import read_keyring, rotated

    with locked(file):
        _write(file, rotated(read_keyring(file), datetime.now(UTC)), json)


@app.command()
def forget(
    household: Annotated[
        str,
        typer.Argument(
            help="The runtime's own id of the household.", metavar="ID", show_default=False
        ),
    ],
    secrets: Annotated[
        Path,
        typer.Option(
            help="File of households' secrets (SecretsFile).", metavar="FILE", show_default=False
        ),
    ],
    json: Json = None,
) -> None:
    """Throw a household's secret away for good: no token of it can be made again. Erase its state before ('misfire household erase')."""
    from streams.errors import DependencyUnavailable
    from streams.files.household_secrets import SecretsFile

    if not secrets.is_file():
        raise DependencyUnavailable(f"the secrets file {secrets} is not there")
    known = SecretsFile(secrets).forget(household)
    note("Its secret is gone." if known else "There was no secret of that household.")
    write_json(json, {"forgotten": known})
    if not known:
        raise typer.Exit(1)


def _write(file: Path, keyring: Keyring, json: str | None) -> None:
    from streams.files.keyring import write_keyring

    write_keyring(file, keyring)
    valid = keyring.valid(datetime.now(UTC))
    note(
        f"{file}: {' and '.join(valid)} valid for {keyring.tenant}. Keep it with the runtime, and a copy safe."
    )
    write_json(
        json, {"tenant": keyring.tenant, "valid": valid, "overlap_days": keyring.overlap_days}
    )
