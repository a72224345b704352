"""Run a blocking call, such as reading a file, in a thread and await it under a deadline."""

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

#: Calls that may be blocked at once. Each occupies a thread; a store that blocks more is down.
_MOST = 16


class ThreadUnavailable(Exception):
    """No thread was available for a call."""


class Aside:
    """Runs each call in its own daemon thread, so that a hung call delays neither loop nor exit.

    ``asyncio.to_thread`` would join its threads when the process exits. Starting a thread takes
    about 0.1 ms.
    """

    def __init__(self) -> None:
        #: Running calls by process id; after a fork, the parent's calls never end in the child.
        self._running: dict[int, set[object]] = {}

    async def run(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns, or raise what it raises.

        Cancelling the coroutine does not interrupt ``work``; its result is then discarded.

        Raises:
            ThreadUnavailable: too many calls are blocked, or the process cannot start a thread.
        """
        running = self._running.setdefault(os.getpid(), set())
        if len(running) >= _MOST:
            raise ThreadUnavailable(f"{len(running)} earlier calls are still blocked")
        loop, context, ticket = asyncio.get_running_loop(), contextvars.copy_context(), object()
        future: asyncio.Future[T] = loop.create_future()

        def call() -> None:
            found: Any = None
            failed: BaseException | None = None
            try:
                found = context.run(work)
            except BaseException as error:  # noqa: BLE001 - re-raised in the caller
                failed = error
            running.discard(ticket)
            with suppress(RuntimeError):  # the loop is closed, so no caller is waiting
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
    else:  # a future rejects StopIteration; SystemExit must not stop the caller's loop
        future.set_exception(ThreadUnavailable(f"the call ended with {type(failed).__name__}"))
