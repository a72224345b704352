"""``misfire keys``: manages the keyring with which a runtime makes tokens.

Only the runtime needs the keyring.
"""

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
    help="Create and rotate the keys for tokens, and delete a household's secret.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help="The keyring.", metavar="FILE", show_default=False)]


@app.command()
def new(
    file: File,
    tenant: Annotated[
        str,
        typer.Option(help="Tenant of the keys; tenants never share a key.", show_default=False),
    ],
    overlap_days: Annotated[
        float,
        typer.Option(help="Days that a key stays valid after its rotation.", min=0, max=366),
    ] = 30.0,
    household_key: Annotated[
        str,
        typer.Option(
            help="Id of the key for household ids, such as hacme; each tenant of a gateway needs a "
            "different one.",
            metavar="ID",
        ),
    ] = "h1",
    json: Json = None,
) -> None:
    """Create a keyring with a tenant's first keys."""
    from streams.errors import UsageError
    from streams.files.atomic import locked
    from streams.files.keyring import KEY_ID, new_keyring

    if not re.fullmatch(KEY_ID, household_key) or household_key == "k1":
        raise UsageError(
            f"--household-key {household_key}: use up to 16 lower-case letters and digits, "
            "starting with a letter, and not k1"
        )
    with locked(file):
        if file.exists():
            raise UsageError(
                f"{file} already exists, and its keys could not be recreated; choose another file"
            )
        _write(file, new_keyring(tenant, datetime.now(UTC), overlap_days, household_key), json)


@app.command()
def rotate(file: File, json: Json = None) -> None:
    """Add a new current key; the previous one stays valid for the keyring's overlap."""
    from streams.files.atomic import locked
    from streams.files.keyring import read_keyring, rotated

    with locked(file):
        _write(file, rotated(read_keyring(file), datetime.now(UTC)), json)


@app.command()
def forget(
    household: Annotated[
        str,
        typer.Argument(
            help="The runtime's own id for the household.", metavar="ID", show_default=False
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
    """Delete a household's secret, so that its tokens can never be made again.

    Erase the household's state first ('misfire household erase').
    """
    from streams.errors import DependencyUnavailable
    from streams.files.household_secrets import SecretsFile

    if not secrets.is_file():
        raise DependencyUnavailable(f"the secrets file {secrets} does not exist")
    known = SecretsFile(secrets).forget(household)
    note("The secret is deleted." if known else "The household has no secret.")
    write_json(json, {"forgotten": known})
    if not known:
        raise typer.Exit(1)


def _write(file: Path, keyring: Keyring, json: str | None) -> None:
    from streams.files.keyring import write_keyring

    write_keyring(file, keyring)
    valid = keyring.valid(datetime.now(UTC))
    note(
        f"{file}: {' and '.join(valid)} valid for {keyring.tenant}. "
        "Store it with the runtime, and keep a backup in a safe place."
    )
    write_json(
        json, {"tenant": keyring.tenant, "valid": valid, "overlap_days": keyring.overlap_days}
    )
