"""``misfire embedded``: works on the household file of an embedded hook."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Broker, Config, Json, reachable_brokers
from streams.cli.output import note, write_json

app = typer.Typer(
    help="Use the household file of an embedded hook elsewhere.", no_args_is_help=True
)

File = Annotated[
    Path, typer.Argument(help="The household file.", metavar="FILE", show_default=False)
]


@app.callback()
def embedded() -> None:
    """Use the household file of an embedded hook elsewhere."""


@app.command()
def events(
    file: File,
    output: Annotated[
        Path,
        typer.Option(help="Stream to write: JSON lines, gzipped if it ends in .gz."),
    ],
    json: Json = None,
) -> None:
    """Write the kept events as a stream, for `misfire train` and `misfire scan`."""
    from streams.embedded.kept_events import KeptEvents
    from streams.files.events import write_events

    kept = KeptEvents(file)
    found = list(kept)
    write_events(output, found)
    households = len({event.household_id for event in found})
    note(f"{output}: {len(found):,} events of {households:,} household(s).")
    if kept.bad:
        note(f"{kept.bad:,} events were left out because their times or ids do not fit a stream.")
    write_json(json, {"events": len(found), "households": households, "left_out": kept.bad})


@app.command()
def upload(
    file: File,
    household: Annotated[
        str | None,
        typer.Argument(
            help="The household; a file with one household needs none.",
            metavar="ID",
            show_default=False,
        ),
    ] = None,
    config: Config = None,
    broker: Broker = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the worker.", min=0)] = 30.0,
    json: Json = None,
) -> None:
    """Move a home to a Kafka installation: its records of the last days, and what it learned.

    Stop the runtime first, and let it ask the gateway afterwards. A home that has a history in the
    installation is refused. Exit code 1 if no worker has applied the state yet.
    """
    from streams.operations.upload_home import upload_home
    from streams.privacy.household_files import the_household

    household_id = household or the_household(file)
    brokers = reachable_brokers(config, broker)
    found = upload_home(file, household_id, brokers, wait)
    status = "is applied" if found.applied else "will be applied as soon as a worker reads it"
    note(f"{found.records:,} records of {household_id} were sent. Its state {status}.")
    write_json(json, {"household_id": household_id, **asdict(found)})
    if not found.applied:
        raise typer.Exit(1)
