"""Late answers: a worker's verdict that comes after the hook answered, and disagrees with it, is an incident.

It is written to ``assistant.incidents``, counted, logged, told to everybody who listens, and sent to the address that the
runtime gave with its question: it may still be in time to undo. ``ladder.py`` finds it; here is who is told.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import httpx

from detector.decisions import Decision, RiskClass, Rung, Verdict
from streams import metrics
from streams.errors import BadRecord
from streams.records import Kind
from streams.serving.hosts import CALLBACK

__all__ = [
    "LATE",
    "LateAnswer",
    "LateAnswers",
    "Provisional",
    "late_answer",
    "provisional",
]

logger = logging.getLogger(__name__)

#: Late answers that are kept for whoever connects again.
_KEPT = 1_000
#: Late answers that wait for one listener or for callbacks; beyond it the oldest is dropped there, and stays in the log.
_WAITING = 1_000
#: Connections to ``/v1/late`` at a time; a runtime needs one.
_LISTENERS = 64
#: A callback is tried a few times within seconds: what comes later can hardly be undone any more.
_CALLBACK_SECONDS, _CALLBACK_PAUSE, _CALLBACK_TRIES = 2.0, 0.5, 3
_CALLBACKS_AT_A_TIME = 4
#: No server of ours accepts a request of this type or with this header: a callback is never a command.
_CALLBACK_HEADERS = {"content-type": "application/vnd.misfire.late+json", CALLBACK: "1"}

V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class LateAnswer:
    """What was answered in time, and what the worker decided later. ``late_ms`` is how long after the answer it came."""

    event_id: str
    household_id: str
    session_id: str
    intent: str
    risk_class: RiskClass
    answered: Verdict
    rung: Rung
    reason: str
    decided: Verdict
    decision_id: str
    late_ms: int


LATE: Kind[LateAnswer] = Kind("assistant.late-answer.v1", LateAnswer)


class Provisional(NamedTuple):
    """What was answered without the worker, at which second of the clock, and where a late answer goes; tens of thousands are kept."""

    answered: Verdict
    rung: Rung
    reason: str
    at: float
    callback: str | None


def provisional(decision: Decision, at: float, callback: str | None) -> Provisional:
    """Return what has to be remembered of an answer until the worker's comes."""
    reason = decision.reasons[0].code if decision.reasons else ""
    return Provisional(decision.effective_verdict, decision.rung, reason, at, callback)


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


class LateAnswers:
    """Tells late answers to whoever wants to know. ``start`` and ``stop`` are for the callbacks.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._kept: deque[tuple[int, LateAnswer]] = deque(maxlen=_KEPT)
        # Numbers go on growing over a restart, so that whoever connects again after one misses nothing.
        self._told = int(1000 * clock())
        self._listeners: set[asyncio.Queue[tuple[int, LateAnswer]]] = set()
        self._callbacks: asyncio.Queue[tuple[str, LateAnswer]] = asyncio.Queue(_WAITING)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to deliver callbacks."""
        self._tasks = [asyncio.create_task(self._deliver()) for _ in range(_CALLBACKS_AT_A_TIME)]

    async def stop(self) -> None:
        """Stop delivering."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def tell(self, late: LateAnswer, callback: str | None) -> None:
        """Tell one late answer to all who listen, and to the callback where there is one. Never waits."""
        self._told += 1
        entry = (self._told, late)
        self._kept.append(entry)
        for listener in self._listeners:
            _put(listener, entry)
        if callback is not None:
            _put(self._callbacks, (callback, late))

    def check_room(self) -> None:
        """Refuse one more listener where there are enough.

        Raises:
            BadRecord: with code ``too_many_listeners``.
        """
        if len(self._listeners) >= _LISTENERS:
            raise BadRecord("too_many_listeners", f"{_LISTENERS} already listen; listen once and share it")

    async def listen(self, after: int | None = None) -> AsyncGenerator[tuple[int, LateAnswer], None]:
        """Yield late answers with their numbers as they come; those after number ``after`` that are still kept come first."""
        listener: asyncio.Queue[tuple[int, LateAnswer]] = asyncio.Queue(_WAITING)
        for entry in self._kept:
            if after is not None and entry[0] > after:
                _put(listener, entry)
        self._listeners.add(listener)
        try:
            while True:
                yield await listener.get()
        finally:
            self._listeners.discard(listener)

    async def _deliver(self) -> None:
        client: httpx.AsyncClient | None = None
        try:
            while True:
                url, late = await self._callbacks.get()
                # Made when it is needed: loading certificates takes 50 ms, in which nothing else is answered.
                client = client or httpx.AsyncClient(
                    timeout=_CALLBACK_SECONDS, follow_redirects=False, trust_env=False
                )
                delivered = await _post(client, url, LATE.encode(late))
                metrics.CALLBACKS.labels("delivered" if delivered else "failed").inc()
        finally:
            if client is not None:
                await client.aclose()


async def _post(client: httpx.AsyncClient, url: str, content: bytes) -> bool:
    """Send one late answer; the event_id in it tells a repeated one."""
    for attempt in range(_CALLBACK_TRIES):
        await asyncio.sleep(attempt * _CALLBACK_PAUSE)
        try:
            # Only the status is read: what else a callback says, and how slowly, is its own affair.
            async with (
                asyncio.timeout(_CALLBACK_SECONDS),
                client.stream("POST", url, content=content, headers=_CALLBACK_HEADERS) as answer,
            ):
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            logger.warning("a late answer could not be sent to its callback: %s", type(error).__name__)
            continue
        if httpx.codes.is_success(status):
            return True
        logger.warning("a callback refused a late answer with status %d", status)
    return False


def _put(queue: asyncio.Queue[V], entry: V) -> None:
    """Put into a bounded queue; where it is full its oldest entry goes, and is counted."""
    if queue.full():
        queue.get_nowait()
        metrics.LATE_DROPPED.inc()
    queue.put_nowait(entry)
