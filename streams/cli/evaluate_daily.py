"""``misfire evaluate daily``: what a new home experiences, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Bundle, Json
from streams.cli.output import progress_report, table, write_json

if TYPE_CHECKING:
    from detector.evaluation.daily import Period, Share

__all__ = ["daily"]


def daily(
    stream: Annotated[Path, typer.Option(help="The stream to evaluate on.")],
    labels: Annotated[Path, typer.Option(help="Labels of the stream's misfires.")],
    bundle: Bundle = None,
    json: Json = None,
) -> None:
    """Count interruptions and stopped misfires on the first days and weeks of new homes.

    Every household of the stream is new at its first event. An outcome is reported for each
    command after its decision, as a runtime would.
    """
    from detector.evaluation.daily import daily as count
    from streams.files.events import read_events, read_labels
    from streams.files.starter import read_deciding

    events, misfires = read_events(stream), read_labels(labels)
    deciding = read_deciding(bundle)
    with progress_report() as report:
        found = count(events, deciding, misfires, progress=report)
    title = f"{stream.name} decided by bundle {deciding.version}"
    _show(f"{title}: homes that are new on day 1", "days", found.periods)
    _show(f"{title}: by domain", "domain", found.domains)
    write_json(json, asdict(found) | {"bundle": deciding.version})


def _show(title: str, heading: str, periods: Sequence[Period]) -> None:
    columns = [heading, "meant", "interrupted", "misfires", "stopped", "physical ones", "stopped"]
    table(
        title,
        columns,
        [
            [each.name, *_cells(each.meant), *_cells(each.misfires), *_cells(each.physical)]
            for each in periods
        ],
    )


def _cells(found: Share) -> list[str]:
    share = found.share
    return [f"{found.commands:,}", "-" if share is None else f"{share:.2%}"]
