"""A daemon thread that runs calls one after another, so that a hung disk blocks only itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

__all__ = ["SerialThread", "ThreadUnavailable"]

T = TypeVar("T")
_Call = tuple[Future[Any], Callable[[], Any]]

#: Calls that may wait. More than these wait only for a disk that does not respond.
_MOST = 64
#: Seconds without a call before the work between calls. On one core it would otherwise run before
#: the caller, which the result has only just woken.
_IDLE_SECONDS = 0.001


class ThreadUnavailable(Exception):
    """The thread cannot take a call. The message has no full stop."""


class SerialThread:
    """Starts at the first call. ``concurrent.futures`` would join its threads at exit.

    Args:
        between: runs in a pause between calls, at the latest after ``_MOST`` calls.
    """

    def __init__(self, between: Callable[[], None]) -> None:
        self._between = between
        self._lock = threading.Lock()
        # It is three times as fast as ``Queue``, but has no bound of its own.
        self._queue: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Run a call after the earlier ones.

        Raises:
            ThreadUnavailable: too many calls are waiting, or the process cannot start a thread.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._thread is None:
                self._thread = self._started()
            if self._queue.qsize() >= _MOST:
                raise ThreadUnavailable(f"{_MOST} earlier calls are still waiting")
            self._queue.put((future, work))
        return future

    def stop(self, patience: float) -> None:
        """End the thread after the calls that wait, and wait for it for ``patience`` seconds.

        The next call starts another one.
        """
        with self._lock:
            thread, queue = self._thread, self._queue
            self._thread, self._queue = None, SimpleQueue()
            if thread is None:
                return
        queue.put(None)
        thread.join(patience)

    def _started(self) -> threading.Thread:
        thread = threading.Thread(
            target=_serve,
            args=(self._queue, self._between),
            name="misfire-embedded",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError as error:
            raise ThreadUnavailable(str(error)) from None
        return thread


def _serve(queue: SimpleQueue[_Call | None], between: Callable[[], None]) -> None:
    since = 0
    while True:
        try:
            call = queue.get(timeout=_IDLE_SECONDS if since else None)
        except Empty:
            between()
            since = 0
            continue
        if call is None:
            return
        future, work = call
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - re-raised in the caller
            future.set_exception(error)
        since += 1
        if since == _MOST:
            between()
            since = 0
