"""A background thread whose event loop runs coroutines for synchronous callers."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, TypeVar

__all__ = ["Background", "NotRunningError"]

T = TypeVar("T")


class NotRunningError(Exception):
    """The thread is not available.

    The process is exiting, cannot start a thread, or the caller is that thread itself.
    """


class Background:
    """Runs coroutines in a daemon thread that starts at the first call.

    After a fork, the child starts its own thread and never uses the objects of the parent's, such
    as a lock that was held. The host's event loop policy is neither used nor changed.
    """

    def __init__(self) -> None:
        self._threads: dict[int, _Thread] = {}

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], patience: float) -> T:
        """Run a coroutine; return its result or raise its exception.

        Args:
            work: creates the coroutine.
            patience: seconds after which it is cancelled.

        Raises:
            NotRunningError: the thread is not available.
            TimeoutError: the coroutine was cancelled.
        """
        return self._threads.setdefault(os.getpid(), _Thread()).run(work, patience)

    def stop(self, work: Callable[[], Coroutine[Any, Any, None]], patience: float) -> None:
        """Run a last coroutine in the thread and stop it; do nothing if no thread is running."""
        thread = self._threads.pop(os.getpid(), None)
        if thread is not None:
            thread.stop(work, patience)


class _Thread:
    """The thread of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], patience: float) -> T:
        loop = self._started()
        coroutine = work()
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        except RuntimeError as error:
            coroutine.close()
            raise NotRunningError(str(error)) from None
        try:
            return future.result(patience)
        except CancelledError:
            raise NotRunningError("the hook was closed during the call") from None
        except BaseException:
            future.cancel()  # no effect on a finished future
            raise

    def stop(self, work: Callable[[], Coroutine[Any, Any, None]], patience: float) -> None:
        with self._lock:
            loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        with suppress(NotRunningError, TimeoutError):
            self.run(work, patience)
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():
            thread.join(patience)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._thread is threading.current_thread():
                raise NotRunningError("the hook was called from its own thread")
            if self._loop is None:
                self._loop, self._thread = _start()
            return self._loop


def _start() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
    try:
        loop = asyncio.SelectorEventLoop()
    except OSError as error:
        raise NotRunningError(str(error)) from None
    thread = threading.Thread(target=_serve, args=(loop,), name="misfire-hook", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        loop.close()
        raise NotRunningError(str(error)) from None
    return loop, thread


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    loop.close()
