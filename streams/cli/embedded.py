"""``misfire embedded``: works on the household file of an embedded hook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Json
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
