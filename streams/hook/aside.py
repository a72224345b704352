"""Calls that may block, such as a look into a file, beside an event loop and bounded by its deadlines."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

__all__ = ["Aside", "ThreadUnavailable"]

T = TypeVar("T")

#: Calls that may be stuck at once. Each holds a thread until the store answers it; a store that needs more is down.
_MOST = 16


class ThreadUnavailable(Exception):
    """No thread could be had for a call."""


class Aside:
    """Runs each call on a daemon thread of its own: neither an event loop nor the end of the process waits for a call that hangs.

    ``asyncio.to_thread`` waits for its threads when the process ends. Starting a thread takes a tenth of a millisecond.
    """

    def __init__(self) -> None:
        #: The calls that run, by process: those of a parent never end in its child.
        self._running: dict[int, set[object]] = {}

    async def run(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns, or raise what it raises. Whoever stops waiting leaves the call to itself.

        Raises:
            ThreadUnavailable: too many calls hang already, or the process can start no more threads.
        """
        running = self._running.setdefault(os.getpid(), set())
        if len(running) >= _MOST:
            raise ThreadUnavailable(f"{len(running)} earlier calls still wait")
        loop, context, ticket = asyncio.get_running_loop(), contextvars.copy_context(), object()
        future: asyncio.Future[T] = loop.create_future()

        def call() -> None:
            found: Any = None
            failed: BaseException | None = None
            try:
                found = context.run(work)
            except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
                failed = error
            running.discard(ticket)
            with suppress(RuntimeError):  # the loop is closed: no caller waits any more
                loop.call_soon_threadsafe(_settle, future, found, failed)

        running.add(ticket)
        try:
            threading.Thread(target=call, name="misfire-aside", daemon=True).start()
        except RuntimeError as error:
            running.discard(ticket)
            raise ThreadUnavailable(str(error)) from None
        return await future


def _settle(future: asyncio.Future[Any], found: object, failed: BaseException | None) -> None:
    if future.done():
        return
    if failed is None:
        future.set_result(found)
    elif isinstance(failed, Exception) and not isinstance(failed, StopIteration):
        future.set_exception(failed)
    else:  # a future takes neither; what ends a thread must not end the caller's loop
        future.set_exception(ThreadUnavailable(f"the call ended with {type(failed).__name__}"))
