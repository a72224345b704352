from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from detector.contracts.decisions import Enforcement, Rung, Verdict
from streams.errors import RecordError
from streams.files.policy import read_policy
from streams.gateway import callbacks as delivery
from streams.gateway.late_answers import LateAnswers
from streams.gateway.provisional_answers import late_answer, provisional
from streams.wire.late_answer import LATE, LateAnswer
from tests.detector.builders import event, hand_bundle, run
from tests.streams.hook.runtime import runtime

(DECIDED,), _ = run([event(1, commits=True)], hand_bundle())
BLOCKED = replace(DECIDED, verdict=Verdict.BLOCK, effective_verdict=Verdict.BLOCK)
ALLOWED = replace(
    DECIDED, verdict=Verdict.ALLOW, effective_verdict=Verdict.ALLOW, rung=Rung.GATEWAY
)

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


def test_only_a_different_effect_is_an_incident() -> None:
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


async def test_late_answers_reach_all_listeners_and_reconnecting_ones_catch_up() -> None:
    answers = LateAnswers()
    first, second = answers.listen(), answers.listen()
    heard = [asyncio.create_task(anext(listener)) for listener in (first, second)]
    await asyncio.sleep(0)

    answers.publish(late(1), None)
    answers.publish(late(2), None)

    (number, one), other = await asyncio.gather(*heard)
    assert (number, one) == other
    assert (await anext(first))[1].event_id == "e2"
    assert (await anext(answers.listen(after=number)))[1].event_id == "e2"


async def test_a_slow_listener_loses_its_oldest_answers_and_delays_no_other() -> None:
    answers = LateAnswers()
    slow = answers.listen()
    heard = asyncio.create_task(anext(slow))
    await asyncio.sleep(0)

    for number in range(1_500):
        answers.publish(late(number), None)

    assert (await heard)[1].event_id == "e500"
    assert (await anext(slow))[1].event_id == "e501"


def test_one_tenant_never_takes_the_last_stream() -> None:
    answers = LateAnswers()
    with ExitStack() as open_streams:
        for _ in range(52):
            open_streams.enter_context(answers.place("acme"))
        refused = answers.place("acme")
        with pytest.raises(RecordError, match="too many of the 64 streams"):
            refused.__enter__()
        for _ in range(8):
            open_streams.enter_context(answers.place("bolt"))
        open_streams.enter_context(answers.place("corp"))
    assert answers._places.taken == 0


async def test_late_answers_of_one_tenant_do_not_evict_those_of_another() -> None:
    answers = LateAnswers()
    listening = answers.listen(owns=lambda household: household == "ours")
    first = asyncio.create_task(anext(listening))
    await asyncio.sleep(0)
    answers.publish(replace(late(), household_id="ours"), None, "bolt")
    for number in range(3_000):
        answers.publish(replace(late(number), household_id=f"theirs-{number % 40}"), None, "acme")

    assert (await first)[1].household_id == "ours"
    again = answers.listen(0, owns=lambda household: household == "ours")
    assert (await anext(again))[1].household_id == "ours"
    assert len(answers._kept) == 1_000


@pytest.mark.parametrize("all_of_them", [False, True])
async def test_late_answers_about_an_erased_household_are_dropped(*, all_of_them: bool) -> None:
    answers = LateAnswers()
    slow = answers.listen()
    first = asyncio.create_task(anext(slow))
    await asyncio.sleep(0)
    answers.publish(late(0), "http://127.0.0.1:9/")
    await first
    for number, household in enumerate(("gone", "stays"), start=1):
        answers.publish(replace(late(number), household_id=household), "http://127.0.0.1:9/")

    if all_of_them:
        answers.clear()
        answers.publish(replace(late(2), household_id="stays"), "http://127.0.0.1:9/")
    else:
        answers.forget("gone")

    assert (await anext(slow))[1].event_id == "e2"
    assert all(late.household_id != "gone" for _, late in answers._kept)
    waiting = [letter for host in answers._callbacks._waiting.values() for letter in host]
    assert all(letter.dropped for letter in waiting if letter.household_id == "gone")
    assert not waiting[-1].dropped


@pytest.mark.parametrize("statuses", [(204,), (500, 204)])
async def test_a_callback_is_sent_and_retried(
    answers: LateAnswers, statuses: tuple[int, ...]
) -> None:
    with runtime(*statuses) as (url, heard):
        answers.publish(late(), url)
        while len(heard) < len(statuses):  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)

    assert [LATE.decode(value) for value in heard] == [late()] * len(statuses)


async def test_a_callback_is_not_followed_elsewhere(
    answers: LateAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_ATTEMPTS", 1)
    with runtime(204) as (elsewhere, followed), runtime(307, elsewhere=elsewhere) as (url, heard):
        answers.publish(late(), url)
        while answers._callbacks._tasks:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)

    assert (len(heard), len(followed)) == (1, 0)


async def test_a_callback_ignores_proxies_of_the_environment(
    answers: LateAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with runtime(204) as (proxy, asked), runtime(204) as (url, heard):
        monkeypatch.setenv("http_proxy", proxy)
        answers.publish(late(), url)
        while answers._callbacks._tasks:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)

    assert (len(heard), len(asked)) == (1, 0)


async def test_no_server_accepts_a_late_answer_as_a_command(answers: LateAnswers) -> None:
    """A callback has a header and a media type that servers refuse in a command.

    ``tests/streams/serving/test_hosts.py`` tests that they refuse both.
    """
    with runtime(204) as (url, heard):
        answers.publish(late(), url)
        while not heard:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)

    assert heard.headers["content-type"] == "application/vnd.misfire.late+json"
    assert heard.headers["x-misfire-callback"] == "1"


async def test_a_stream_ends_soon_after_its_listener_loses_permission(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.gateway.late_answers._LOOK_SECONDS", 0.01)
    allowed = [True]
    answers = LateAnswers()
    heard = asyncio.create_task(anext(answers.listen(may=lambda: allowed[0])))
    await asyncio.sleep(0.05)
    assert not heard.done()

    allowed[0] = False
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(heard, 5)
