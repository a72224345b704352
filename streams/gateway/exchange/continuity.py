"""Whether a gateway heard every reply: what it missed may have been an erasure, and then it has to forget what it remembers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Continuity"]


@dataclass(frozen=True, slots=True)
class _Heard:
    """A record that was heard: enough to tell it from another one at its place in a topic that was made anew."""

    partition: int
    offset: int
    timestamp: int
    headers: tuple[tuple[str, bytes], ...]


class Continuity:
    """Follows the records of one partition, over connections.

    A new connection begins at the record that was heard last. It is heard again, and nothing was missed; or the topic keeps it no
    longer, or was made anew, and then something may have been missed. So it may where the connection before heard no record at all.

    Args:
        on_gap: called when something may have been missed.
    """

    def __init__(self, on_gap: Callable[[], None]) -> None:
        self._on_gap = on_gap
        self._last: _Heard | None = None
        self._resuming = False
        self._listened = False

    def begin(self, partition: int) -> int | None:
        """Begin a connection; return the offset to listen from, or ``None`` for the partition's end."""
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

    def hear(self, message: Any) -> bool:
        """Take a record in; return whether it is new."""
        heard = _Heard(message.partition, message.offset, message.timestamp, tuple(message.headers))
        last, self._last = self._last, heard
        if self._resuming:
            self._resuming = False
            if heard == last:
                return False
            self._on_gap()
        elif last is not None and heard.offset != last.offset + 1:
            self._on_gap()
        return True

    def give_up(self) -> None:
        """The record that was heard last did not come again in time."""
        if self._resuming:
            self._missed()

    def _missed(self) -> None:
        self._last, self._resuming = None, False
        self._on_gap()
