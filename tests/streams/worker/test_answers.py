"""The worker's handling of confirmations, and its block budget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from detector.contracts.confirmations import ConfirmationResult, Refusal, Result
from detector.contracts.decisions import Decision, Verdict
from detector.contracts.standing import Standing
from detector.decision.bundle import Bundle
from streams.errors import DependencyUnavailable
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, OUTCOMES, REPLIES
from streams.settings import read_key
from streams.telemetry import metrics
from streams.wire.records import CORRELATION_ID, DECISION, REPLY_PARTITION, RESULT
from streams.wire.state.packing import unpack
from streams.worker import handling as processing
from tests.detector.builders import (
    ABSURD,
    CONFIRMATION_KEY,
    DOUBTFUL,
    START,
    event,
    given_to,
    hand_bundle,
    heard,
    run,
    send_message,
)
from tests.streams.fakes import Bench, FakeEvent, answer_record, intent_record, outcomes_mark

EVENTS = heard(send_message(), DOUBTFUL)
ASKING = [(REPLY_PARTITION, b"2"), (CORRELATION_ID, b"c1")]


@pytest.fixture
async def bench() -> Bench:
    """A worker with an open question about a message."""
    bench = Bench(hand_bundle(), confirmation_key=CONFIRMATION_KEY)
    await bench.intents(*(intent_record(each, number) for number, each in enumerate(EVENTS)))
    return bench


@pytest.fixture
def question() -> Decision:
    return run(EVENTS, hand_bundle())[0][-1]


def results(bench: Bench) -> list[ConfirmationResult]:
    return [RESULT.decode(reply.value) for reply in bench.kafka.on(REPLIES)]


async def test_an_answer_is_applied_and_its_client_gets_the_result(
    bench: Bench, question: Decision
) -> None:
    record = answer_record(given_to(question), 5, ASKING)

    await bench.outcomes(record)

    (reply,) = bench.kafka.on(REPLIES)
    assert (reply.header("ce_type"), reply.header(CORRELATION_ID), reply.partition) == (
        RESULT.type.encode(),
        b"c1",
        2,
    )
    (result,) = results(bench)
    assert (result.result, result.event_id) == (Result.CONFIRMED, "e2")
    assert record.acked
    stored = unpack(bench.table.data[b"h1"])
    assert stored.outcomes == (outcomes_mark(5),)
    assert stored.state.pending[0].standing is Standing.CONFIRMED


async def test_a_redelivered_answer_gets_the_same_result_and_a_repeated_one_is_refused(
    bench: Bench, question: Decision
) -> None:
    await bench.outcomes(answer_record(given_to(question), 5, ASKING))
    before = bench.table.data[b"h1"]
    await bench.outcomes(answer_record(given_to(question), 5, ASKING))
    assert bench.table.data[b"h1"] == before
    await bench.outcomes(answer_record(given_to(question), 6, ASKING))

    first, again, replayed = results(bench)
    assert first == again
    assert (replayed.result, replayed.reason) == (Result.REFUSED, Refusal.ALREADY_ANSWERED)


async def test_a_question_outlives_its_worker(bench: Bench, question: Decision) -> None:
    other = Bench(hand_bundle(), confirmation_key=CONFIRMATION_KEY)
    other.table.data.update(bench.table.data)

    await other.outcomes(answer_record(given_to(question), 0, ASKING))

    assert results(other)[0].result is Result.CONFIRMED


async def test_an_answer_cannot_be_backdated(bench: Bench, question: Decision) -> None:
    """The answer claims a time before the expiry; its log time is two minutes later."""
    await bench.outcomes(answer_record(given_to(question), 0, ASKING, late=120.0))
    assert results(bench)[0].reason is Refusal.EXPIRED


async def test_without_the_confirmation_key_a_proof_is_wrong(
    bench: Bench, question: Decision
) -> None:
    await bench.outcomes(answer_record(given_to(question, proof="0" * 64), 0, ASKING))
    assert results(bench)[0].reason is Refusal.PROOF_WRONG


async def test_an_unreadable_answer_becomes_a_dead_letter(bench: Bench, question: Decision) -> None:
    good = answer_record(given_to(question), 0)
    broken = FakeEvent(OUTCOMES, 0, b"h1", b"{}", good.message.headers)
    spoken = answer_record(given_to(question, slots={"contact": "my doctor"}), 1)

    await bench.outcomes(broken, spoken)

    letters = bench.kafka.on(DEAD_LETTERS)
    assert [letter.header("misfire_reason") for letter in letters] == [b"schema", b"not_tokens"]
    assert not [letter for letter in letters if b"doctor" in (letter.value or b"")]
    assert broken.acked


async def test_if_the_core_fails_nothing_is_confirmed(
    bench: Bench, question: Decision, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(processing, "answer", failing)
    record = answer_record(given_to(question), 0, ASKING)

    await bench.outcomes(record)

    assert not bench.kafka.on(REPLIES)
    assert bench.kafka.on(DEAD_LETTERS)[0].header("misfire_reason") == b"internal_error"
    assert record.acked
    assert unpack(bench.table.data[b"h1"]).state.pending[0].standing is Standing.ASKED


def small_budget() -> Bundle:
    """A bundle whose block budget is exhausted after two blocks."""
    bundle = hand_bundle()
    tight = replace(bundle.policy.block_budget, least_commands=2, share=0.5)
    return replace(bundle, policy=replace(bundle.policy, block_budget=tight))


async def test_with_an_exhausted_budget_a_worker_confirms_instead_of_blocking() -> None:
    bench = Bench(small_budget())
    commands = [
        event(number, household_id=f"h{number}", time=START, commits=True, wake_confidence=ABSURD)
        for number in range(4)
    ]

    await bench.intents(*(intent_record(each, number) for number, each in enumerate(commands)))

    decisions = [DECISION.decode(record.value) for record in bench.kafka.on(DECISIONS)]
    assert [decision.verdict for decision in decisions] == [Verdict.BLOCK] * 2 + [
        Verdict.CONFIRM
    ] * 2
    assert [decision.reasons[0].code for decision in decisions[2:]] == ["block_budget"] * 2
    assert metrics.BLOCK_BUDGET_SPENT._value.get() == 1.0
    await bench.intents(intent_record(commands[0], 0, ASKING))
    assert bench.kafka.on(REPLIES)[0].value == bench.kafka.on(DECISIONS)[0].value


def test_the_confirmation_key_is_read_from_its_file(tmp_path: Path) -> None:
    assert read_key(None) is None
    (tmp_path / "key").write_bytes(b"0123456789abcdef\n")
    assert read_key(tmp_path / "key") == b"0123456789abcdef"
    (tmp_path / "short").write_bytes(b"0123")
    for name, said in (("short", "has 4 bytes"), ("nowhere", "cannot be read")):
        with pytest.raises(DependencyUnavailable, match=said):
            read_key(tmp_path / name)
