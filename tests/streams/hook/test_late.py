from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from detector.decisions import Enforcement, Rung, Verdict
from streams.errors import BadRecord
from streams.hook.late import LATE, LateAnswer, LateAnswers, late_answer, provisional
from streams.policy_file import read_policy
from tests.detector.builders import event, hand_bundle, run
from tests.streams.hook.runtime import runtime

(DECIDED,), _ = run([event(1, commits=True)], hand_bundle())
BLOCKED = replace(DECIDED, verdict=Verdict.BLOCK, effective_verdict=Verdict.BLOCK)
ALLOWED = replace(DECIDED, verdict=Verdict.ALLOW, effective_verdict=Verdict.ALLOW, rung=Rung.GATEWAY)

GIVEN = provisional(ALLOWED, 10.0, None)


def late(number: int = 1) -> LateAnswer:
    found = late_answer(GIVEN, BLOCKED, 10.25)
    assert found is not None
    return replace(found, event_id=f"e{number}")


@pytest.fixture
async def answers() -> AsyncIterator[LateAnswers]:
    found = LateAnswers()
    await found.start()
    yield found
    await found.stop()


def test_only_another_effect_is_an_incident() -> None:
    assert late_answer(GIVEN, DECIDED, 11.0) is None
    shadow = replace(BLOCKED, effective_verdict=Verdict.ALLOW, enforcement=Enforcement.SHADOW)
    assert late_answer(GIVEN, shadow, 11.0) is None
    assert (late().answered, late().decided, late().rung, late().late_ms) == (
        Verdict.ALLOW,
        Verdict.BLOCK,
        Rung.GATEWAY,
        250,
    )
    assert read_policy().risk_class(late().intent) is late().risk_class


async def test_all_who_listen_hear_of_it_and_who_comes_back_hears_what_was_missed() -> None:
    answers = LateAnswers()
    first, second = answers.listen(), answers.listen()
    heard = [asyncio.create_task(anext(listener)) for listener in (first, second)]
    await asyncio.sleep(0)

    answers.tell(late(1), None)
    answers.tell(late(2), None)

    (number, one), other = await asyncio.gather(*heard)
    assert (number, one) == other
    assert (await anext(first))[1].event_id == "e2"
    assert (await anext(answers.listen(after=number)))[1].event_id == "e2"


async def test_a_listener_that_does_not_read_loses_the_oldest_and_holds_nobody_up() -> None:
    answers = LateAnswers()
    slow = answers.listen()
    heard = asyncio.create_task(anext(slow))
    await asyncio.sleep(0)

    for number in range(1_500):
        answers.tell(late(number), None)

    assert (await heard)[1].event_id == "e500"
    assert (await anext(slow))[1].event_id == "e501"


async def test_there_is_room_for_a_bounded_number() -> None:
    answers = LateAnswers()
    tasks = [asyncio.create_task(anext(answers.listen())) for _ in range(64)]
    await asyncio.sleep(0)

    with pytest.raises(BadRecord, match="already listen"):
        answers.check_room()

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    answers.check_room()


@pytest.mark.parametrize("statuses", [(204,), (500, 204)])
async def test_the_callback_is_sent_it_and_tried_again(
    answers: LateAnswers, statuses: tuple[int, ...]
) -> None:
    with runtime(*statuses) as (url, heard):
        answers.tell(late(), url)
        while len(heard) < len(statuses):  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)

    assert [LATE.decode(value) for value in heard] == [late()] * len(statuses)


async def test_a_callback_is_not_followed_elsewhere(answers: LateAnswers) -> None:
    with runtime(307) as (url, heard):
        answers.tell(late(), url)
        while not heard:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)


async def test_no_server_of_ours_takes_a_late_answer_for_a_command(answers: LateAnswers) -> None:
    """What a callback is sent says twice that it is no command: ``tests/streams/serving/test_hosts.py`` shows that both are refused."""
    with runtime(204) as (url, heard):
        answers.tell(late(), url)
        while not heard:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)

    assert heard.headers["content-type"] == "application/vnd.misfire.late+json"
    assert heard.headers["x-misfire-callback"] == "1"
