"""The events that a household file keeps, read like a stream on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from streams.embedded.opened import opened
from streams.files.tolerant import TolerantStream
from streams.wire.records import INTENT

__all__ = ["KeptEvents"]


class KeptEvents(TolerantStream):
    """The events of a household file in order of arrival; the line is the record's number.

    They are read at once and then yielded, so that a running hook does not wait.

    Raises:
        DependencyUnavailable, UsageError: on iteration, if the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._kept: list[tuple[int, bytes]] = []

    def expected(self, events: int) -> int:
        """Return the number of events; see ``TolerantStream.expected``."""
        return max(len(self._kept), events)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        with opened(self._path) as transaction:
            self._kept = [
                (record.number, record.value)
                for record in transaction.records()
                if record.type == INTENT.type
            ]
        return iter(self._kept)
