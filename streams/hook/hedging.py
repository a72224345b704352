"""Asking twice when the first answer is slow: a connection that hangs, a gateway that has just died.

Safe because an event is applied once, however often it is asked about (``event_id``). Kept libraries for httpx hedge only what is
a GET, or leave the slower request running; so these few lines are ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["Hedge"]

T = TypeVar("T")

#: One in twenty may be asked twice, five in a row: were everything slow, asking everything twice would make it slower.
_SHARE, _MOST = 0.05, 5.0


class Hedge:
    """Asks again after ``delay`` seconds without an answer, as far as the budget goes; the first answer counts."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self._budget = _MOST

    async def ask(self, question: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the first answer; what both attempts raise where neither has one. Whatever still runs then is cancelled.

        Args:
            question: begins a new attempt at each call.
        """
        self._budget = min(self._budget + _SHARE, _MOST)
        attempts = {_begun(question)}
        try:
            done, waiting = await asyncio.wait(attempts, timeout=self.delay)
            if not done and self._budget >= 1.0:
                self._budget -= 1.0
                waiting = attempts = {*waiting, _begun(question)}
            while waiting and not any(attempt.exception() is None for attempt in done):
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return min(done, key=lambda attempt: attempt.exception() is not None).result()
        finally:
            for attempt in attempts:
                attempt.cancel()


def _begun(question: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
    attempt = asyncio.create_task(question())
    # What the slower attempt raises is of no interest; asyncio would log it in the host.
    attempt.add_done_callback(lambda done: done.cancelled() or done.exception())
    return attempt
