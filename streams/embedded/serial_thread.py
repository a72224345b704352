"""A daemon thread that runs calls one after another, so that a hung disk blocks only itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Full, Queue
from typing import Any, TypeVar

__all__ = ["SerialThread", "ThreadUnavailable"]

T = TypeVar("T")

#: Calls that may wait. More than these wait only for a disk that does not respond.
_MOST = 64


class ThreadUnavailable(Exception):
    """The thread cannot take a call. The message has no full stop."""


class SerialThread:
    """Starts at the first call. ``concurrent.futures`` would join its threads at exit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: Queue[tuple[Future[Any], Callable[[], Any]] | None] = Queue(_MOST)
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
            try:
                self._queue.put_nowait((future, work))
            except Full:
                raise ThreadUnavailable(f"{_MOST} earlier calls are still waiting") from None
        return future

    def stop(self, patience: float) -> None:
        """End the thread after the calls that wait, and wait for it for ``patience`` seconds.

        The next call starts another one.
        """
        with self._lock:
            thread, queue = self._thread, self._queue
            self._thread, self._queue = None, Queue(_MOST)
            if thread is None:
                return
        try:
            queue.put(None, timeout=patience)
        except Full:
            return
        thread.join(patience)

    def _started(self) -> threading.Thread:
        thread = threading.Thread(
            target=_serve, args=(self._queue,), name="misfire-embedded", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            raise ThreadUnavailable(str(error)) from None
        return thread


def _serve(queue: Queue[tuple[Future[Any], Callable[[], Any]] | None]) -> None:
    while (call := queue.get()) is not None:
        future, work = call
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - re-raised in the caller
            future.set_exception(error)
