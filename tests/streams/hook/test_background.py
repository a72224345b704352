from __future__ import annotations

import os
import threading

import pytest

from streams.hook.background import Background


async def number(made: list[int]) -> int:
    made.append(threading.get_ident())
    return len(made)


def test_everything_runs_in_one_thread_that_is_not_the_callers() -> None:
    background: Background[list[int]] = Background(list)
    assert [background.run(number) for _ in range(3)] == [1, 2, 3]
    made = background._made
    assert made is not None
    assert len(set(made)) == 1
    assert made[0] != threading.get_ident()


def test_what_is_raised_reaches_the_caller() -> None:
    async def failing(_: list[int]) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Background(list[int]).run(failing)


def test_it_can_be_stopped_before_it_began_and_begun_again_after() -> None:
    background: Background[list[int]] = Background(list)

    async def nothing(_: list[int]) -> None:
        """Nothing to close."""

    background.stop(nothing)
    assert background.run(number) == 1
    background.stop(nothing)
    assert background.run(number) == 1


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_makes_everything_anew() -> None:
    background: Background[list[int]] = Background(list)
    assert background.run(number) == 1
    child = os.fork()
    if child == 0:
        os._exit(background.run(number))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert background.run(number) == 2
