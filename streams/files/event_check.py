"""The check of one line of a stream: an event with an id of its own, in order of time."""

from __future__ import annotations

from datetime import datetime

from detector.contracts.events import IntentEvent
from streams.errors import RecordError
from streams.wire.records import INTENT

__all__ = ["EventCheck"]


class EventCheck:
    """Decodes the lines of a stream and compares each with the lines before it."""

    def __init__(self, *, remembered: int | None = None) -> None:
        """Remember the latest ``remembered`` ids, or all of them."""
        self._remembered = remembered
        self._seen: dict[str, int] = {}
        self._latest: dict[str, tuple[datetime, int]] = {}

    def event(self, number: int, line: bytes) -> IntentEvent:
        """Return the event of line ``number``.

        Raises:
            RecordError: the line is not an event, repeats an ``event_id`` or is earlier than the
                household's line before.
        """
        event = INTENT.decode_strictly(line.strip())
        if event.event_id in self._seen:
            raise RecordError(
                "id_reused",
                f"the event_id of line {self._seen[event.event_id]} is used again;"
                " every event needs its own",
            )
        before, line_before = self._latest.get(event.household_id, (event.time, number))
        if event.time < before:
            raise RecordError(
                "schema",
                f"is earlier than line {line_before} of the same household;"
                " sort the stream by time",
            )
        self._latest[event.household_id] = event.time, number
        self._seen[event.event_id] = number
        if self._remembered is not None and len(self._seen) > self._remembered:
            del self._seen[next(iter(self._seen))]
        return event
