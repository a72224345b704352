"""Reading a stream that may contain bad lines: they are skipped, counted and listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from detector.contracts.events import IntentEvent
from streams.errors import RecordError, UsageError
from streams.files.event_check import EventCheck
from streams.files.events import NO_EVENTS
from streams.files.lines import STANDARD_INPUT, read_objects

__all__ = ["BadLine", "TolerantStream"]

#: Bad lines that are listed; all are counted.
_LISTED = 20
#: Ids that are remembered, so that memory does not grow with the stream. Events that are sent twice
#: are close together in a log.
_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was skipped, and why."""

    line: int
    problem: str


class TolerantStream:
    """The events of a stream, read one by one.

    Attributes:
        bad: the number of bad lines so far.
        listed: the first of them.
    """

    def __init__(self, path: Path) -> None:
        self.bad = 0
        self.listed: list[BadLine] = []
        self._path = path
        self._size = path.stat().st_size if path != STANDARD_INPUT and path.is_file() else 0
        self._taken = 0

    def __iter__(self) -> Iterator[IntentEvent]:
        """Yield the events.

        Raises:
            DependencyUnavailable: the file does not exist.
            UsageError: the file is not text, or no line is an event.
        """
        check, events = EventCheck(remembered=_REMEMBERED), 0
        for number, line in self._lines():
            try:
                event = check.event(number, line)
            except RecordError as error:
                self.bad += 1
                if len(self.listed) < _LISTED:
                    self.listed.append(BadLine(number, str(error)))
                continue
            events += 1
            yield event
        if not events:
            if self.listed:
                first = self.listed[0]
                raise UsageError(f"{self._path}, line {first.line}: {first.problem}")
            raise UsageError(f"{self._path} {NO_EVENTS}")

    def expected(self, events: int) -> int:
        """Estimate the total number of events after ``events``, or return 0 if it is unknown."""
        if not (self._size and self._taken):
            return 0
        return max(round(events * self._size / self._taken), events)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the events as JSON, with their numbers."""
        return read_objects(self._path, position=self._at)

    def _at(self, taken: int) -> None:
        self._taken = taken
