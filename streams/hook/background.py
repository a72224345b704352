"""A thread with an event loop, in which coroutines run for callers that block."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

__all__ = ["Background"]

S = TypeVar("S")
T = TypeVar("T")


class Background(Generic[S]):
    """Runs coroutines of one thing that lives in the loop, such as a client with its connections.

    The thread starts at the first call and ends with the process. After a fork the child makes everything anew: neither threads nor
    connections can be shared.

    Args:
        make: makes the thing, inside the loop.
    """

    def __init__(self, make: Callable[[], S]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._made: S | None = None
        self._process = 0

    def run(self, work: Callable[[S], Coroutine[Any, Any, T]]) -> T:
        """Run ``work`` and return what it returns, or raise what it raises."""
        loop, made = self._started()
        return asyncio.run_coroutine_threadsafe(work(made), loop).result()

    def stop(self, work: Callable[[S], Coroutine[Any, Any, None]]) -> None:
        """Run ``work`` for the last time, where anything ever ran, and end the thread."""
        with self._lock:
            loop, made, self._loop = self._loop, self._made, None
        if loop is not None and made is not None and self._process == os.getpid():
            asyncio.run_coroutine_threadsafe(work(made), loop).result()
            loop.call_soon_threadsafe(loop.stop)

    def _started(self) -> tuple[asyncio.AbstractEventLoop, S]:
        with self._lock:
            if self._loop is None or self._made is None or self._process != os.getpid():
                self._loop, self._process = asyncio.new_event_loop(), os.getpid()
                threading.Thread(target=_serve, args=(self._loop,), name="misfire-hook", daemon=True).start()
                self._made = asyncio.run_coroutine_threadsafe(_inside(self._make), self._loop).result()
            return self._loop, self._made


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()


async def _inside(make: Callable[[], S]) -> S:
    return make()
