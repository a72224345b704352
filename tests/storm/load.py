"""A steady load of calls through the hook, each noted with its id, its answer and its time."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from types import TracebackType
from typing import Self

from detector.contracts.decisions import Decision, Rung
from detector.contracts.events import IntentEvent
from streams.hook import AsyncHook
from tests.integration.stream import a_town

__all__ = ["Call", "Load"]

#: Seconds beyond the deadline in which an answer counts as on time: the caller's event loop shares
#: two cores with everything that is broken here.
GRACE = 0.05
#: Seconds between two looks at the event loop; a longer pause is a stall.
_LOOK = 0.02


@dataclass(frozen=True, slots=True)
class Call:
    """One call and its answer.

    Attributes:
        event: what was asked about.
        gateway: the number of the gateway that was asked.
        began: when, on ``time.monotonic``.
        seconds: how long the answer took.
        decision: the answer; ``None`` if the hook raised.
        late: whether the answer came after its deadline and ``GRACE``, not counting the time for
            which the caller's own event loop had no processor.
    """

    event: IntentEvent
    gateway: int
    began: float
    seconds: float
    decision: Decision | None
    late: bool

    @property
    def answered_by_worker(self) -> bool:
        """Whether a worker decided."""
        return self.decision is not None and self.decision.rung is Rung.WORKER

    @property
    def reason(self) -> str:
        """Why no worker decided; empty if one did."""
        if self.decision is None:
            return "the hook raised"
        return "" if self.answered_by_worker else self.decision.reasons[0].code

    def as_json(self) -> dict[str, object]:
        """Return JSON values, with times in seconds."""
        return {
            "event_id": self.event.event_id,
            "household_id": self.event.household_id,
            "gateway": self.gateway,
            "began": round(self.began, 3),
            "seconds": round(self.seconds, 4),
            "rung": None if self.decision is None else self.decision.rung.value,
            "reason": self.reason,
            "late": self.late,
        }


def _events(run: str) -> Iterator[IntentEvent]:
    """Yield events of a town, again and again with new households."""
    town = a_town(households=40, sessions=20)
    for round_ in count():
        name = f"{run}-{round_}-"
        for event in town:
            yield replace(
                event,
                event_id=f"{name}{event.event_id}",
                household_id=f"{name}{event.household_id}",
                session_id=f"{name}{event.session_id}",
            )


class Load:
    """Calls ``rate`` times a second from its own thread until the ``with`` block ends.

    Args:
        urls: the gateways, asked in turn.
        rate: calls per second.
        deadline_ms: the deadline of each call.
        run: a prefix of all ids.
    """

    def __init__(self, urls: Sequence[str], *, rate: float, deadline_ms: int, run: str) -> None:
        self.calls: list[Call] = []
        #: When each call began, by the id of its event; also of calls without an answer yet.
        self.begun: dict[str, float] = {}
        #: Calls that the hook did not return from within a minute.
        self.unanswered = 0
        self._urls, self._rate, self._deadline_ms = urls, rate, deadline_ms
        self._events = _events(run)
        #: When the caller's event loop stalled: the end of each stall, and its seconds.
        self._stalls: deque[tuple[float, float]] = deque(maxlen=1_000)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """Call no more, and wait for the last answers."""
        self._ending.set()
        self._thread.join()

    def since(self, began: float) -> list[Call]:
        """Return the calls that began since a time of ``time.monotonic``."""
        return [call for call in self.calls.copy() if call.began >= began]

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            hooks = [
                await stack.enter_async_context(AsyncHook(url, deadline_ms=self._deadline_ms))
                for url in self._urls
            ]
            watch = asyncio.create_task(self._watch_loop())
            tasks = set()
            begin = time.monotonic()
            for number in count():
                await asyncio.sleep(max(0.0, begin + number / self._rate - time.monotonic()))
                if self._ending.is_set():
                    break
                gateway = number % len(hooks)
                task = asyncio.create_task(self._call(hooks[gateway], gateway))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            if tasks:
                _, waiting = await asyncio.wait(tasks, timeout=60)
                self.unanswered = len(waiting)
            watch.cancel()

    async def _watch_loop(self) -> None:
        while True:
            due = time.monotonic() + _LOOK
            await asyncio.sleep(_LOOK)
            now = time.monotonic()
            if now > due + _LOOK:
                self._stalls.append((now, now - due))

    def _stalled(self, began: float) -> float:
        return sum(seconds for end, seconds in self._stalls if end > began)

    async def _call(self, hook: AsyncHook, gateway: int) -> None:
        event = replace(next(self._events), time=datetime.now(UTC))
        began = time.monotonic()
        self.begun[event.event_id] = began
        try:
            decision = await hook.decide(event)
        except Exception:  # noqa: BLE001 - counted as a call without an answer
            decision = None
        seconds = time.monotonic() - began
        await asyncio.sleep(0)  # a stall that delayed this is noted first
        late = seconds - self._stalled(began) > self._deadline_ms / 1000 + GRACE
        self.calls.append(Call(event, gateway, began, seconds, decision, late))
