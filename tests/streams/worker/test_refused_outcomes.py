"""Refused outcomes in the worker: they change nothing, are answered, counted and logged."""

from __future__ import annotations

import logging

import pytest

from detector.contracts.events import OutcomeKind
from detector.contracts.outcome_table import OutcomeRefused
from streams.kafka.topics import DEAD_LETTERS, REPLIES
from streams.telemetry import metrics
from streams.wire.records import CORRELATION_ID, OUTCOME_APPLIED, REFUSAL, REPLY_PARTITION
from streams.wire.state.packing import unpack
from tests.detector.builders import ABSURD, hand_bundle, heard, outcome, send_message
from tests.streams.fakes import Bench, intent_record, outcome_record

BLOCKED = heard(send_message(), ABSURD)
ASKING = [(REPLY_PARTITION, b"2"), (CORRELATION_ID, b"c1")]


def count(reason: OutcomeRefused) -> float:
    return float(metrics.OUTCOMES_REFUSED.labels(reason.value)._value.get())


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (OutcomeKind.CONFIRMED, OutcomeRefused.UNCHECKED),
        (OutcomeKind.EXECUTED, OutcomeRefused.RAN_REFUSED),
        (OutcomeKind.UNDONE, OutcomeRefused.RAN_REFUSED),
    ],
)
async def test_a_refused_outcome_is_answered_logged_counted_and_changes_nothing(
    kind: OutcomeKind, reason: OutcomeRefused, caplog: pytest.LogCaptureFixture
) -> None:
    bench, before = Bench(hand_bundle()), count(reason)
    await bench.intents(*(intent_record(each, number) for number, each in enumerate(BLOCKED)))
    state = unpack(bench.table.data[b"h1"]).state

    with caplog.at_level(logging.WARNING):
        for offset in (0, 1):
            await bench.outcomes(outcome_record(outcome("e2", kind), offset, ASKING))
        # Delivered again, it is refused again and not counted.
        await bench.outcomes(outcome_record(outcome("e2", kind), 1, ASKING))

    replies = bench.kafka.on(REPLIES)
    assert [each.header("ce_type") for each in replies] == [REFUSAL.type.encode()] * 3
    assert {REFUSAL.decode(each.value).code for each in replies} == {reason.value}
    assert not bench.kafka.on(DEAD_LETTERS)
    assert unpack(bench.table.data[b"h1"]).state == state
    assert count(reason) == before + 2
    assert ("although it was not allowed" in caplog.text) is (reason is OutcomeRefused.RAN_REFUSED)


async def test_an_outcome_before_its_event_is_counted_when_the_event_arrives() -> None:
    bench, before = Bench(hand_bundle()), count(OutcomeRefused.RAN_REFUSED)
    await bench.outcomes(outcome_record(outcome("e2", OutcomeKind.EXECUTED), 0, ASKING))
    (reply,) = bench.kafka.on(REPLIES)
    assert reply.header("ce_type") == OUTCOME_APPLIED.encode()

    await bench.intents(*(intent_record(each, number) for number, each in enumerate(BLOCKED)))

    assert count(OutcomeRefused.RAN_REFUSED) == before + 1


async def test_a_worker_without_a_key_offers_no_method_with_a_proof() -> None:
    from detector.contracts.decisions import ConfirmMethod
    from streams.kafka.topics import DECISIONS
    from streams.wire.records import DECISION
    from tests.detector.builders import DOUBTFUL

    bench = Bench(hand_bundle(), confirmation_key=None)
    await bench.intents(
        *(
            intent_record(each, number)
            for number, each in enumerate(heard(send_message(), DOUBTFUL))
        )
    )
    asked = DECISION.decode(bench.kafka.on(DECISIONS)[-1].value).confirm
    assert asked is not None
    assert asked.methods == (ConfirmMethod.CHALLENGE,)
