"""Detection of missed replies: one of them may have been an erasure.

After a gap the gateway must forget everything that it remembers about households.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Continuity"]


@dataclass(frozen=True, slots=True)
class _Received:
    """A received record, identified well enough to detect that its topic was created again."""

    partition: int
    offset: int
    timestamp: int
    headers: tuple[tuple[str, bytes], ...]


class Continuity:
    """Follows the records of one partition across connections.

    A new connection starts at the last received record. If that record arrives again, nothing was
    missed. If it does not, because it was deleted or the topic was created again, something may
    have been missed. The same is true if the previous connection received no record.

    Args:
        on_gap: called when a record may have been missed.
    """

    def __init__(self, on_gap: Callable[[], None]) -> None:
        self._on_gap = on_gap
        self._last: _Received | None = None
        self._resuming = False
        self._listened = False

    def begin(self, partition: int) -> int | None:
        """Start a connection; return the first offset to read, or ``None`` for the end."""
        listened, self._listened = self._listened, True
        if self._last is None:
            if listened:
                self._on_gap()
            return None
        if self._last.partition != partition:
            self._missed()
            return None
        self._resuming = True
        return self._last.offset

    def receive(self, message: Any) -> bool:
        """Process a record; return whether it is new."""
        received = _Received(
            message.partition, message.offset, message.timestamp, tuple(message.headers)
        )
        last, self._last = self._last, received
        if self._resuming:
            self._resuming = False
            if received == last:
                return False
            self._on_gap()
        elif last is not None and received.offset != last.offset + 1:
            self._on_gap()
        return True

    def expire(self) -> None:
        """Report a gap if the last received record has not arrived again."""
        if self._resuming:
            self._missed()

    def _missed(self) -> None:
        self._last, self._resuming = None, False
        self._on_gap()
