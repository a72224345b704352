from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest

from streams.hook.hedging import Hedge


def attempts(
    *outcomes: tuple[float, Any],
) -> tuple[Callable[[], Coroutine[Any, Any, Any]], list[int]]:
    """Attempts with given durations and results, and the numbers of those that were started."""
    waiting: Iterable[tuple[float, Any]] = iter(outcomes)
    begun: list[int] = []

    async def attempt() -> Any:
        begun.append(len(begun))
        seconds, outcome = next(iter(waiting))
        await asyncio.sleep(seconds)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return attempt, begun


async def test_a_quick_answer_takes_one_request() -> None:
    question, begun = attempts((0.0, "first"))
    assert await Hedge(0.2).ask(question) == "first"
    assert begun == [0]


@pytest.mark.parametrize(
    ("first", "second"), [((60.0, "first"), (0.0, "second")), ((0.1, OSError()), (0.2, "second"))]
)
async def test_the_first_answer_is_used(first: Any, second: Any) -> None:
    question, begun = attempts(first, second)
    assert await Hedge(0.02).ask(question) == "second"
    assert begun == [0, 1]


async def test_an_immediate_failure_is_not_retried() -> None:
    question, begun = attempts((0.0, OSError("refused")))
    with pytest.raises(OSError, match="refused"):
        await Hedge(0.2).ask(question)
    assert begun == [0]


async def test_if_both_requests_fail_the_error_is_raised() -> None:
    question, begun = attempts((0.1, OSError("one")), (0.1, OSError("two")))
    with pytest.raises(OSError, match=r"one|two"):
        await Hedge(0.02).ask(question)
    assert begun == [0, 1]


async def test_if_all_answers_are_slow_few_requests_are_repeated() -> None:
    hedge, asked = Hedge(0.0), 0
    for _ in range(40):
        question, begun = attempts((0.002, "slow"), (60.0, "slower"))
        assert await hedge.ask(question) == "slow"
        asked += len(begun)
    assert asked <= 40 + 5 + 0.05 * 40


async def test_abandoned_requests_are_cancelled() -> None:
    question, _ = attempts((60.0, "first"), (60.0, "second"))
    hedge = Hedge(0.01)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(hedge.ask(question), 0.05)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
