"""``misfire household``: shows, exports and erases the data about one household."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.options import Broker, Config, Embedded, Json, reachable_brokers
from streams.cli.output import note, table, write_json

if TYPE_CHECKING:
    from streams.privacy.holdings import Holding

app = typer.Typer(help="Show, export and erase the data about one household.", no_args_is_help=True)

Household = Annotated[
    str | None,
    typer.Argument(
        help="The household's token, or with --keys the runtime's own id. A household file with "
        "one household needs none.",
        metavar="ID",
        show_default=False,
    ),
]
Keys = Annotated[
    Path | None, typer.Option("--keys", help="Keyring to compute the household's token with.")
]
Secrets = Annotated[
    Path | None,
    typer.Option("--secrets", help="File of households' secrets, if the runtime uses one."),
]


@app.command()
def show(
    household: Household = None,
    config: Config = None,
    broker: Broker = None,
    keys: Keys = None,
    secrets: Secrets = None,
    embedded: Embedded = None,
    json: Json = None,
) -> None:
    """Count the household's records in every topic and in the state store, or in a household file.

    Exit code 1 if one of its records contains another household's data.
    """
    from streams.privacy.holdings import collected, counts
    from streams.privacy.household_files import collected_in_file

    household_id = _token(household, keys, secrets, embedded)
    holdings = (
        collected(reachable_brokers(config, broker), household_id)
        if embedded is None
        else collected_in_file(embedded, household_id)
    )
    _note_missing(holdings)
    columns = [
        "source",
        "records",
        "first",
        "last",
        "superseded",
        "unchecked",
        "disputed",
        "foreign",
    ]
    rows = [
        [
            *(holding.source, f"{holding.records:,}", _day(holding.first), _day(holding.last)),
            *map(
                str,
                (
                    holding.superseded,
                    *map(len, (holding.unchecked, holding.disputed, holding.foreign)),
                ),
            ),
        ]
        for holding in holdings
    ]
    table(household_id, columns, rows)
    write_json(
        json, {"household_id": household_id, "sources": [counts(holding) for holding in holdings]}
    )
    if any(holding.foreign for holding in holdings):
        raise typer.Exit(1)


@app.command()
def export(
    to: Annotated[
        list[str],
        typer.Option(
            help="Public key of the requester, age1… or ssh-ed25519 …; can be repeated.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="File to write the archive to.", show_default=False)],
    household: Household = None,
    config: Config = None,
    broker: Broker = None,
    keys: Keys = None,
    secrets: Secrets = None,
    embedded: Embedded = None,
    json: Json = None,
) -> None:
    """Write an encrypted archive of the household's data.

    Exit code 1, without an archive, if a record contains another household's data.
    """
    from streams.errors import DependencyUnavailable
    from streams.files.atomic import write_whole
    from streams.privacy.archive import ForeignRecordError, recipient, seal
    from streams.privacy.commands import sealed
    from streams.privacy.holdings import collected, counts, foreign
    from streams.privacy.household_files import collected_in_file

    recipients = [recipient(key) for key in to]
    household_id = _token(household, keys, secrets, embedded)
    if embedded is None:
        brokers = reachable_brokers(config, broker)
        seal_all: Callable[..., bytes] = partial(sealed, brokers)
        holdings = collected(brokers, household_id)
    else:
        holdings, seal_all = collected_in_file(embedded, household_id), seal
    _note_missing(holdings)
    result: dict[str, Any] = {
        "household_id": household_id,
        "sources": [counts(each) for each in holdings],
    }
    try:
        archive = seal_all(household_id, holdings, datetime.now(UTC), recipients)
    except ForeignRecordError as error:
        note(f"{error}. Nothing was written. The worker counts such records; inspect this one.")
        write_json(
            json, result | {"archive": None, "foreign": [str(place) for place in foreign(holdings)]}
        )
        raise typer.Exit(1) from None
    try:
        write_whole(out, archive)
    except OSError as error:
        raise DependencyUnavailable(
            f"the archive cannot be written to {out}: {error.strerror or error}"
        ) from error
    unchecked = sum(len(holding.unchecked) for holding in holdings)
    disputed = sum(len(holding.disputed) for holding in holdings)
    note(
        f"{out}: {sum(holding.records for holding in holdings):,} records, encrypted to {len(to)} "
        f"key(s). Left out and listed in the manifest: {unchecked} records that name the household "
        f"only in their key or only in their content, and {disputed} whose key and content name "
        "different households."
    )
    write_json(json, result | {"archive": str(out), "bytes": len(archive), "foreign": []})


@app.command()
def verify(
    archive: Annotated[
        Path, typer.Argument(help="The archive.", metavar="ARCHIVE", show_default=False)
    ],
    identity: Annotated[
        Path,
        typer.Option(help="File with the requester's secret key, from age-keygen or ssh-keygen."),
    ],
    json: Json = None,
) -> None:
    """Check an archive: hashes, counts, and the household of every record.

    Exit code 1 if anything is wrong.
    """
    from streams.privacy.archive import open_archive

    opened = open_archive(_bytes(archive), _bytes(identity).decode("utf-8", "replace"))
    household_id = str(opened.manifest["household_id"])
    for problem in opened.problems:
        note(problem)
    count = sum(map(len, opened.lines.values()))
    note(f"{archive}: {count:,} records of {household_id}; {len(opened.problems)} problems.")
    write_json(json, {"household_id": household_id, "records": count, "problems": opened.problems})
    if opened.problems:
        raise typer.Exit(1)


@app.command()
def erase(
    household: Household = None,
    config: Config = None,
    broker: Broker = None,
    keys: Keys = None,
    secrets: Secrets = None,
    embedded: Embedded = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the worker.", min=0)] = 30.0,
    json: Json = None,
) -> None:
    """Erase the household's state by a command in the log, or everything in a household file.

    Exit code 1 if no worker has executed it yet.
    """
    from streams.privacy.commands import send_command, wait_until_erased
    from streams.privacy.household_files import erase_in_file
    from streams.wire.records import Command

    household_id = _token(household, keys, secrets, embedded)
    if embedded is not None:
        erased = erase_in_file(embedded, household_id)
        note(f"The state of {household_id} and {erased:,} records were erased from {embedded}.")
        write_json(json, {"household_id": household_id, "applied": True, "records": erased})
        return
    brokers = reachable_brokers(config, broker)
    place = send_command(brokers, household_id, Command.ERASE)
    applied = wait_until_erased(brokers, household_id, place, wait)
    status = "is erased" if applied else "will be erased as soon as a worker reads the command"
    note(
        f"The state of {household_id} {status} ({place}). Records in the topics are deleted when "
        "their retention ends; check with 'misfire household verify-erased'."
    )
    write_json(json, {"household_id": household_id, "applied": applied, "command": str(place)})
    if not applied:
        raise typer.Exit(1)


@app.command()
def verify_erased(
    household: Household = None,
    config: Config = None,
    broker: Broker = None,
    keys: Keys = None,
    secrets: Secrets = None,
    json: Json = None,
) -> None:
    """Read everything and list the remaining records, and when they will be deleted.

    Exit code 1 while any remain.
    """
    from streams.privacy.holdings import collected
    from streams.privacy.remaining import remains

    household_id, brokers = _token(household, keys, secrets), reachable_brokers(config, broker)
    holdings = collected(brokers, household_id)
    _note_missing(holdings)
    marked, left = remains(holdings)
    note(
        f"The state of {household_id} contains only the mark of its erasure."
        if marked
        else f"The state of {household_id} has no mark of an erasure."
    )
    if left:
        rows = [[each.source, f"{each.records:,}", _day(each.until)] for each in left]
        table("Remaining records", ["source", "records", "deleted by"], rows)
    missing = [each.source for each in holdings if each.missing]
    write_json(
        json,
        {
            "household_id": household_id,
            "state_erased": marked,
            "remains": left,
            "missing": missing,
        },
    )
    if left or not marked:
        raise typer.Exit(1)


def _token(
    household: str | None, keys: Path | None, secrets: Path | None, embedded: Path | None = None
) -> str:
    from streams.errors import DependencyUnavailable, UsageError
    from streams.files.household_secrets import SecretsFile
    from streams.files.keyring import read_keyring
    from streams.hook.tokenizing import Tokens
    from streams.privacy.household_files import the_household

    if embedded is not None and household is None:
        return the_household(embedded)
    if household is None:
        raise UsageError("name the household, or a household file with --embedded")

    if keys is None:
        if secrets is not None:
            raise UsageError("--secrets needs --keys; give both, or only the household's token")
        return household
    if secrets is not None and not secrets.is_file():
        raise DependencyUnavailable(f"the secrets file {secrets} does not exist")
    return Tokens(read_keyring(keys), SecretsFile(secrets) if secrets else None).household(
        household
    )


def _note_missing(holdings: Sequence[Holding]) -> None:
    from streams.privacy.holdings import why_missing

    for sentence in why_missing(holdings):
        note(sentence)


def _day(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def _bytes(path: Path) -> bytes:
    from streams.errors import DependencyUnavailable

    try:
        return path.read_bytes()
    except OSError as error:
        raise DependencyUnavailable(f"{path} cannot be read: {error.strerror or error}") from error
