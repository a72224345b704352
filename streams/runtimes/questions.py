"""The open questions of an adapter, with the command that each holds back. No I/O."""

from __future__ import annotations

import threading
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from streams.runtimes.gate import Gate, Ruling
from streams.runtimes.replies import NO, YES, accepts

__all__ = ["Questions", "Words"]

Held = TypeVar("Held")
#: Questions that are remembered; the oldest is forgotten. A home has one at a time.
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Words:
    """What accepts and declines a question: words, and names of intents."""

    yes: Collection[str] = YES
    no: Collection[str] = NO
    yes_intents: Collection[str] = ()
    no_intents: Collection[str] = ()

    def reply(self, asked: Ruling, said: str, intent: str = "") -> bool | None:
        """Return whether a reply accepts or declines a question; ``None`` if it does neither.

        ``intent`` is what the assistant recognised, if anything.
        """
        if intent in self.no_intents:
            return False
        if intent in self.yes_intents:
            return True
        return accepts(asked.method, said, self.yes, self.no)


@dataclass(slots=True)
class Questions(Generic[Held]):
    """Open questions; threads can share them. Taking a question closes it."""

    _open: dict[Hashable, tuple[Ruling, Held]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, session: Hashable, ruling: Ruling, held: Held) -> None:
        """Remember a session's question, and the command that waits for the answer."""
        with self._lock:
            self._open.pop(session, None)
            self._open[session] = ruling, held
            if len(self._open) > _MOST:
                self._open.pop(next(iter(self._open)))

    def take(self, session: Hashable, gate: Gate) -> tuple[Ruling, Held] | None:
        """Return the question of a session, once; ``None`` if there is none or it has expired."""
        with self._lock:
            found = self._open.pop(session, None)
        return found if found is not None and gate.is_open(found[0]) else None

    def waiting(self, gate: Gate) -> list[Hashable]:
        """Return the sessions with a question that can still be answered."""
        with self._lock:
            found = list(self._open.items())
        return [session for session, (ruling, _) in found if gate.is_open(ruling)]
