from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from streams.embedded import serial_thread
from streams.embedded.serial_thread import SerialThread

SECONDS = 10.0


@contextmanager
def running(thread: SerialThread) -> Iterator[SerialThread]:
    yield thread
    thread.stop(SECONDS)


def test_the_work_between_calls_waits_for_the_calls_that_wait() -> None:
    done, tidied, go = list[str](), threading.Event(), threading.Event()

    def tidy() -> None:
        done.append("tidied")
        tidied.set()

    with running(SerialThread(tidy)) as thread:
        thread.submit(lambda: go.wait(SECONDS))
        last = [thread.submit(partial(done.append, name)) for name in "ab"][-1]
        go.set()
        last.result(SECONDS)
        assert tidied.wait(SECONDS)

    assert done == ["a", "b", "tidied"]


def test_calls_without_a_pause_do_not_put_the_work_between_them_off_for_ever() -> None:
    done, begun, go = list[str](), threading.Event(), threading.Event()
    most = serial_thread._MOST

    def hold() -> None:
        begun.set()
        go.wait(SECONDS)

    with running(SerialThread(lambda: done.append("tidied"))) as thread:
        thread.submit(hold)
        begun.wait(SECONDS)
        for _ in range(most - 1):
            thread.submit(lambda: done.append("call"))
        go.set()
        thread.submit(lambda: done.append("call")).result(SECONDS)

    assert done[: most + 1] == [*["call"] * (most - 1), "tidied", "call"]
