"""Late answers: worker decisions that arrive after the hook's answer and disagree with it.

Each is an incident. It is written to ``assistant.incidents``, counted and logged, streamed to all
listeners, and sent to the runtime's callback, which may still undo the command. ``ladder.py``
detects late answers; this module distributes them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from operator import itemgetter

from streams.errors import RecordError
from streams.gateway.callbacks import Callbacks
from streams.gateway.shares import FairCache, Places
from streams.telemetry import metrics
from streams.wire.late_answer import LATE, LateAnswer

__all__ = ["LateAnswers"]

#: Late answers that are stored for clients that reconnect.
_KEPT = 1_000
#: Late answers that wait for one listener. Beyond it the oldest is dropped; the log still has it.
_WAITING = 1_000
#: Concurrent connections to ``/v1/late``; a runtime needs one.
_LISTENERS = 64
#: Seconds after which an idle stream checks whether its listener is still authorized.
_LOOK_SECONDS = 5.0

#: A late answer with its number.
Entry = tuple[int, "LateAnswer"]


@dataclass(frozen=True, slots=True, eq=False)
class _Listener:
    """One stream: a filter of households, and the entries that were not read yet."""

    owns: Callable[[str], bool]
    waiting: deque[Entry] = field(default_factory=lambda: deque(maxlen=_WAITING))
    filled: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, entry: Entry) -> None:
        """Add an entry; if the stream is full, drop its oldest one and count that."""
        if self.owns(entry[1].household_id):
            metrics.LATE_DROPPED.inc(len(self.waiting) == _WAITING)
            self.waiting.append(entry)
            self.filled.set()


class LateAnswers:
    """Distributes late answers to streams and callbacks.

    ``start`` and ``stop`` control the callbacks.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._kept: FairCache[Entry] = FairCache(_KEPT)
        # Numbers keep growing across a restart, so a client that reconnects misses nothing.
        self._last_number = int(1000 * clock())
        self._listeners: set[_Listener] = set()
        self._places = Places(_LISTENERS)
        self._callbacks = Callbacks()

    async def start(self) -> None:
        """Start delivering callbacks."""
        await self._callbacks.start()

    async def stop(self) -> None:
        """Stop delivering callbacks."""
        await self._callbacks.stop()

    def publish(self, late: LateAnswer, callback: str | None, tenant: str = "") -> None:
        """Send a late answer to the household's listeners and its callback, without blocking."""
        self._last_number += 1
        entry = (self._last_number, late)
        self._kept.put(tenant, late.household_id, str(self._last_number), entry)
        for listener in self._listeners:
            listener.put(entry)
        if callback is not None:
            self._callbacks.send(tenant, callback, late.household_id, LATE.encode(late))

    def forget(self, household_id: str) -> None:
        """Drop all late answers about an erased household."""
        self._kept.forget(household_id)
        self._callbacks.forget(household_id)
        for listener in self._listeners:
            kept = [entry for entry in listener.waiting if entry[1].household_id != household_id]
            listener.waiting.clear()
            listener.waiting.extend(kept)

    def clear(self) -> None:
        """Drop all late answers."""
        self._kept.clear()
        self._callbacks.forget()
        for listener in self._listeners:
            listener.waiting.clear()

    @contextmanager
    def place(self, tenant: str) -> Iterator[None]:
        """Reserve a stream for the duration of the context.

        Args:
            tenant: the listener's tenant, or its address if the tenant is unknown.

        Raises:
            RecordError: with code ``too_many_listeners``.
        """
        if not self._places.admits(tenant, ""):
            raise RecordError(
                "too_many_listeners",
                f"too many of the {_LISTENERS} streams are open; open one and share it",
            )
        self._places.take(tenant, "")
        try:
            yield
        finally:
            self._places.leave(tenant, "")

    async def listen(
        self,
        after: int | None = None,
        owns: Callable[[str], bool] = lambda _: True,
        may: Callable[[], bool] = lambda: True,
    ) -> AsyncGenerator[Entry, None]:
        """Yield late answers with their numbers as they arrive.

        Stored late answers with a number above ``after`` come first.

        Args:
            after: the last number that the listener received.
            owns: returns whether the listener may receive answers about a household.
            may: returns whether the listener may listen at all; the stream ends, and its place
                becomes free, soon after it returns ``False``.
        """
        listener = _Listener(owns)
        for entry in sorted(self._kept, key=itemgetter(0)):
            if after is not None and entry[0] > after:
                listener.put(entry)
        self._listeners.add(listener)
        try:
            while may():
                if listener.waiting:
                    yield listener.waiting.popleft()
                    continue
                listener.filled.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await listener.filled.wait()
        finally:
            self._listeners.discard(listener)
