from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from streams.hook.loop_thread import Background, NotRunningError


async def thread() -> int:
    return threading.get_ident()


async def for_ever() -> None:
    await asyncio.Event().wait()


def test_everything_runs_in_one_background_thread() -> None:
    background = Background()
    threads = {background.run(thread, 10) for _ in range(3)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_an_exception_reaches_the_caller() -> None:
    async def failing() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Background().run(failing, 10)


def test_a_coroutine_that_takes_too_long_is_cancelled() -> None:
    cancelled = threading.Event()

    async def slow() -> None:
        try:
            await for_ever()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(TimeoutError):
        Background().run(slow, 0.05)
    assert cancelled.wait(10)


def test_the_loop_can_be_stopped_at_any_time_and_restarted() -> None:
    background = Background()
    background.stop(nothing, 10)
    assert background.run(thread, 10)
    background.stop(nothing, 10)
    background.stop(nothing, 10)
    assert background.run(thread, 10)


async def nothing() -> None:
    """Nothing to close."""


def test_stopping_cancels_running_calls_and_ends_the_thread() -> None:
    background = Background()
    background.run(thread, 10)
    (ours,) = [each for each in threading.enumerate() if each.ident == background.run(thread, 10)]
    began = threading.Event()

    async def waits() -> None:
        began.set()
        await for_ever()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(background.run, waits, 60)
        assert began.wait(10)
        background.stop(nothing, 10)
        assert isinstance(waiting.exception(10), NotRunningError)
    ours.join(10)
    assert not ours.is_alive()


def test_a_call_from_the_background_thread_is_rejected() -> None:
    background = Background()

    async def calls() -> int:
        return background.run(thread, 10)

    with pytest.raises(NotRunningError, match="own thread"):
        background.run(calls, 10)


def test_a_thread_that_cannot_start_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", full)
    with pytest.raises(NotRunningError, match="can't start"):
        Background().run(thread, 10)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_starts_its_own_thread_whatever_was_locked() -> None:
    background = Background()
    mine = background.run(thread, 10)
    with background._threads[os.getpid()]._lock:
        child = os.fork()
        if child == 0:
            os._exit(7 if background.run(thread, 10) else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert background.run(thread, 10) == mine
