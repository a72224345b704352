"""``misfire runtimes play``: play a month of commands in a runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.addresses import check_address, check_target
from streams.cli.options import Bundle, Json
from streams.cli.output import note, progress_report, table, write_json
from streams.wire.addresses import HTTP

if TYPE_CHECKING:
    from streams.runtimes.days import Tally

__all__ = ["play"]


def play(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="python:MODULE with functions runtime(hook) and unguarded(), or the URL of a "
            "runtime, as for 'misfire runtimes check'. It must set its gate's clock to the time of "
            "a command.",
            show_default=False,
        ),
    ],
    month: Annotated[Path, typer.Option(help="Commands that 'misfire runtimes month' wrote.")],
    labels: Annotated[Path, typer.Option(help="Labels of their phantoms.")],
    out: Annotated[Path, typer.Option(help="File for the decisions, for 'misfire runtimes days'.")],
    without: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="The same runtime without misfire, if TARGET is a URL, to compare."
        ),
    ] = None,
    gateway_port: Annotated[
        int,
        typer.Option(
            help="Port on loopback of the gateway that a runtime with a URL must ask.",
            min=1,
            max=65_535,
        ),
    ] = 8751,
    bundle: Bundle = None,
    json: Json = None,
) -> None:
    """Say a month of commands to a runtime, at their own times, and write what it decided.

    The embedded hook decides. Residents confirm what they meant, and say no to phantoms. The table
    compares the time of each allowed command with the same without misfire.
    """
    from streams.files.events import read_events, read_labels
    from streams.files.starter import read_deciding
    from streams.runtimes.days import Tally, moved_in, play_month, write_played

    check_target(target)
    if without:
        check_address("--without", without, HTTP)
    events, phantoms, tally = read_events(month), read_labels(labels), Tally()
    with progress_report() as report, moved_in(target, without, gateway_port) as (move_in, bare):
        played = play_month(
            events, phantoms, read_deciding(bundle), move_in, tally, unguarded=bare, progress=report
        )
        write_played(out, played)
    found = _times(tally)
    if found:
        table(
            f"{len(tally.guarded):,} allowed commands",
            ["milliseconds", "with misfire", "without", "added"],
            [
                [name, *(f"{value:.2f}" for value in (with_it, bare, with_it - bare))]
                for name, (with_it, bare) in found.items()
            ],
        )
    note(
        f"{tally.disobeyed} commands ran against their decision; {tally.refused} meant commands "
        "were not confirmed although their users tried"
    )
    write_json(
        json, {"disobeyed": tally.disobeyed, "refused": tally.refused, "milliseconds": found}
    )


def _times(tally: Tally) -> dict[str, tuple[float, float]]:
    """Return percentiles with and without misfire, in milliseconds."""
    if not tally.unguarded:
        return {}
    found = {}
    for kind, at in (("elapsed", 0), ("CPU", 1)):
        with_it = sorted(each[at] for each in tally.guarded)
        bare = sorted(each[at] for each in tally.unguarded)
        for name, share in (("median", 0.5), ("99th percentile", 0.99)):
            place = int(share * (len(bare) - 1))
            found[f"{kind}, {name}"] = with_it[place], bare[place]
    return found
