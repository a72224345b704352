"""What a runtime decided on each command of a month, as JSON lines.

A line has ``event``, the event that the runtime's adapter made, ``verdict`` and ``risk_class`` of
the decision, and ``phantom``, true if nobody meant the command. Each home has a ``household_id`` of
its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from detector.contracts.decisions import RiskClass, Verdict
from detector.contracts.events import IntentEvent
from streams.errors import RecordError, UsageError
from streams.files.lines import read_objects, write_lines
from streams.wire.records import Kind

__all__ = ["Played", "read_played", "write_played"]


@dataclass(frozen=True, slots=True)
class Played:
    """A command that a runtime decided on; ``phantom`` if nobody meant it."""

    event: IntentEvent
    verdict: Verdict
    risk_class: RiskClass
    phantom: bool


_LINE = Kind("played", Played)


def read_played(path: Path) -> list[Played]:
    """Read what a runtime decided, in order of time.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: a line is not a decision; the message names it.
    """
    found = []
    for number, line in read_objects(path):
        try:
            found.append(_LINE.decode(line.strip()))
        except RecordError as error:
            raise UsageError(f"{path}, line {number}: {error}") from None
    return sorted(found, key=lambda each: each.event.time)


def write_played(path: Path, played: Iterable[Played]) -> None:
    """Write what a runtime decided."""
    write_lines(path, map(_LINE.encode, played))
