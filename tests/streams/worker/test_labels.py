"""The worker applies labels in order with their household's events."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from detector.contracts.labels import Label, LabelEffect, LabelKind
from detector.household.labelling import apply_label
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, LABELS, REPLIES
from streams.telemetry import metrics
from streams.wire.records import CORRELATION_ID, LABEL, REFUSAL, REPLY_PARTITION
from streams.wire.state.packing import unpack
from streams.worker import labels as handler
from tests.detector.builders import ABSURD, START, hand_bundle, heard, run, send_message
from tests.streams.fakes import Bench, home_of, intent_record, intents_mark, label_record

EVENTS = heard(send_message(), ABSURD)
ADDRESS = [(REPLY_PARTITION, b"2"), (CORRELATION_ID, b"c1")]


def label(kind: LabelKind = LabelKind.MEANT, **fields: Any) -> Label:
    given: dict[str, Any] = {
        "label_id": "l1",
        "event_id": "e2",
        "household_id": "h1",
        "label": kind,
        "why": "they asked for it",
        "by": "tester",
        "time": START + timedelta(days=1),
    }
    return Label(**(given | fields))


def counted(kind: LabelKind, effect: LabelEffect) -> float:
    return float(metrics.LABELS.labels(kind.value, effect.value)._value.get())


async def test_a_label_is_applied_published_with_its_effect_and_answered() -> None:
    bench, before = Bench(hand_bundle()), counted(LabelKind.MEANT, LabelEffect.TAUGHT)
    await bench.intents(*(intent_record(each, number) for number, each in enumerate(EVENTS)))
    await bench.intents(label_record(label(), 3, ADDRESS))

    applied = replace(label(), effect=LabelEffect.TAUGHT)
    [published], [answer] = bench.kafka.on(LABELS), bench.kafka.on(REPLIES)
    assert (published.key, LABEL.decode(published.value)) == (b"h1", applied)
    assert (answer.partition, answer.value) == (2, published.value)
    assert answer.header("ce_type") == LABEL.type.encode()
    stored = unpack(bench.table.data[b"h1"])
    assert stored.intents == (intents_mark(3),)
    _, state = run(EVENTS, hand_bundle())
    assert stored.state == apply_label(state, label(), at=label().time.timestamp())[1]
    assert set(stored.state.intents) == {"messages.SendMessage"}
    assert counted(LabelKind.MEANT, LabelEffect.TAUGHT) == before + 1
    assert len(bench.kafka.on(DECISIONS)) == len(EVENTS)


async def test_a_redelivered_label_is_published_once() -> None:
    bench = Bench(hand_bundle())
    await bench.intents(*(intent_record(each, number) for number, each in enumerate(EVENTS)))
    await bench.intents(label_record(label(), 3))
    after = bench.table.data[b"h1"]
    await bench.intents(label_record(label(), 3))

    assert bench.table.data[b"h1"] == after
    assert len(bench.kafka.on(LABELS)) == 1


async def test_a_claim_cannot_choose_its_effect() -> None:
    bench = Bench(hand_bundle())
    await bench.intents(label_record(label(effect=LabelEffect.TAUGHT), 0))

    [published] = bench.kafka.on(LABELS)
    assert LABEL.decode(published.value).effect is LabelEffect.FORGOTTEN


async def test_a_label_under_another_households_key_is_refused() -> None:
    bench = Bench(hand_bundle())
    record = label_record(label(), 0, ADDRESS)
    record.message.key, record.message.partition = b"h2", home_of(b"h2")
    await bench.intents(record)

    [letter] = bench.kafka.on(DEAD_LETTERS)
    assert letter.header("misfire_reason") == b"key_mismatch"
    assert bench.kafka.on(LABELS) == []


async def test_a_label_on_which_the_core_fails_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(handler, "apply_label", broken)
    bench = Bench(hand_bundle())
    await bench.intents(label_record(label(), 0, ADDRESS))

    [answer], [letter] = bench.kafka.on(REPLIES), bench.kafka.on(DEAD_LETTERS)
    assert REFUSAL.decode(answer.value).code == "internal_error"
    assert letter.header("misfire_reason") == b"internal_error"
    assert unpack(bench.table.data[b"h1"]).intents == (intents_mark(0),)
    assert not bench.failures
