"""Request hedging: a second attempt when the first is slow, such as on a hung connection.

A repeated request is safe because an event is applied once, by its ``event_id``. The maintained
hedging libraries for httpx support only GET, or do not cancel the slower request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["Hedge"]

T = TypeVar("T")

#: The budget: 5 % of the requests may be hedged, at most 5 in a row. Hedging every request would
#: slow down an overloaded gateway further.
_SHARE, _MOST = 0.05, 5.0


class Hedge:
    """Repeats a request after ``delay`` seconds, within a budget, and returns the first answer."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self._budget = _MOST

    async def ask(self, question: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the first answer, or raise the first error if every attempt fails.

        Attempts that are still running are cancelled.

        Args:
            question: starts a new attempt each time it is called.
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
    # Retrieve the exception of the slower attempt; otherwise asyncio logs it in the host.
    attempt.add_done_callback(lambda done: done.cancelled() or done.exception())
    return attempt
