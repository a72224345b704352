"""Late answers: a worker's verdict that comes after the hook answered, and disagrees with it, is an incident.

It is written to ``assistant.incidents``, counted, logged, told to everybody who listens, and sent to the address that the
runtime gave with its question: it may still be in time to undo. ``ladder.py`` finds it; here is who is told.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from detector.contracts.decisions import Decision, Rung, Verdict
from streams.errors import RecordError
from streams.gateway.callbacks import Callbacks
from streams.gateway.shares import Kept, Places
from streams.telemetry import metrics
from streams.wire.late_answer import LATE, LateAnswer

__all__ = ["LateAnswers", "Provisional", "late_answer", "provisional"]

#: Late answers that are kept for whoever connects again.
_KEPT = 1_000
#: Late answers that wait for one listener; beyond it the oldest is dropped there, and stays in the log.
_WAITING = 1_000
#: Connections to ``/v1/late`` at a time; a runtime needs one.
_LISTENERS = 64
#: Seconds after which a stream that heard nothing looks whether its listener may still listen.
_LOOK_SECONDS = 5.0

#: A late answer with its number.
Entry = tuple[int, "LateAnswer"]


class Provisional(NamedTuple):
    """What was answered without the worker, at which second of the clock, and for whom a late answer is; tens of thousands are kept."""

    answered: Verdict
    rung: Rung
    reason: str
    at: float
    callback: str | None
    tenant: str = ""


def provisional(
    decision: Decision, at: float, callback: str | None, tenant: str = ""
) -> Provisional:
    """Return what has to be remembered of an answer until the worker's comes."""
    reason = decision.reasons[0].code if decision.reasons else ""
    return Provisional(decision.effective_verdict, decision.rung, reason, at, callback, tenant)


def late_answer(given: Provisional, decided: Decision, now: float) -> LateAnswer | None:
    """Return the incident, or ``None`` where both have the same effect."""
    if given.answered is decided.effective_verdict:
        return None
    return LateAnswer(
        event_id=decided.event_id,
        household_id=decided.household_id,
        session_id=decided.session_id,
        intent=decided.intent,
        risk_class=decided.risk_class,
        answered=given.answered,
        rung=given.rung,
        reason=given.reason,
        decided=decided.effective_verdict,
        decision_id=decided.decision_id,
        late_ms=round(1000 * (now - given.at)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Listener:
    """One stream: which households it may hear of, and what it has not read yet."""

    owns: Callable[[str], bool]
    waiting: deque[Entry] = field(default_factory=lambda: deque(maxlen=_WAITING))
    filled: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, entry: Entry) -> None:
        """Let the stream have an entry; where too many wait its oldest goes, and is counted."""
        if self.owns(entry[1].household_id):
            metrics.LATE_DROPPED.inc(len(self.waiting) == _WAITING)
            self.waiting.append(entry)
            self.filled.set()


class LateAnswers:
    """Tells late answers to whoever wants to know. ``start`` and ``stop`` are for the callbacks.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._kept: Kept[Entry] = Kept(_KEPT)
        # Numbers go on growing over a restart, so that whoever connects again after one misses nothing.
        self._told = int(1000 * clock())
        self._listeners: set[_Listener] = set()
        self._places = Places(_LISTENERS)
        self._callbacks = Callbacks()

    async def start(self) -> None:
        """Begin to deliver callbacks."""
        await self._callbacks.start()

    async def stop(self) -> None:
        """Stop delivering."""
        await self._callbacks.stop()

    def tell(self, late: LateAnswer, callback: str | None, tenant: str = "") -> None:
        """Tell one late answer to all who listen for its household, and to the callback where there is one. Never waits."""
        self._told += 1
        entry = (self._told, late)
        self._kept.put(tenant, late.household_id, str(self._told), entry)
        for listener in self._listeners:
            listener.put(entry)
        if callback is not None:
            self._callbacks.send(tenant, callback, late.household_id, LATE.encode(late))

    def forget(self, household_id: str) -> None:
        """Tell nothing more of a household: it was erased."""
        self._kept.forget(household_id)
        self._callbacks.forget(household_id)
        for listener in self._listeners:
            kept = [entry for entry in listener.waiting if entry[1].household_id != household_id]
            listener.waiting.clear()
            listener.waiting.extend(kept)

    def clear(self) -> None:
        """Tell nothing more of what was found so far."""
        self._kept.clear()
        self._callbacks.forget()
        for listener in self._listeners:
            listener.waiting.clear()

    @contextmanager
    def place(self, tenant: str) -> Iterator[None]:
        """Hold a place for a stream. ``tenant`` is who listens; where no tenant is known, an address.

        Raises:
            RecordError: with code ``too_many_listeners``.
        """
        if not self._places.admits(tenant, ""):
            raise RecordError(
                "too_many_listeners",
                f"too many of the {_LISTENERS} streams are open; listen once and share it",
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
        """Yield late answers with their numbers as they come; those after number ``after`` that are still kept come first.

        Args:
            after: the number of the last one that the listener heard.
            owns: says of a household whether the listener may hear of it.
            may: says whether the listener may listen at all; the stream ends, and its place is free, soon after it may not.
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
