from __future__ import annotations

from dataclasses import replace

import pytest

from detector.contracts.labels import Label, LabelEffect, LabelKind
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import INTENTS, LABELS
from streams.operations.labels_check import check_labels, compare_labels
from streams.wire.records import INTENT, LABEL
from tests.detector.builders import START

NOW = START.timestamp() + 3600


def record(topic: str, number: int, seconds: float = 0.0) -> TopicRecord:
    label = Label(
        label_id=f"l{number}",
        event_id="e",
        household_id="h",
        label=LabelKind.MEANT,
        why="asked",
        by="ann",
        time=START,
        effect=LabelEffect.TAUGHT if topic == LABELS else None,
    )
    headers = LABEL.headers(label.label_id, START, source="test")
    at = START.timestamp() + seconds
    return TopicRecord(Place(topic, 1, number), at, b"h", LABEL.encode(label), headers)


@pytest.mark.parametrize(
    ("asked", "applied", "ok", "said"),
    [
        ([], [], True, "the latest 0 labels are applied"),
        ([0, 1], [0, 1], True, "the latest 2 labels are applied"),
        ([4, 5], [5], False, "1 of 2 labels are not applied; the oldest is at offset 4"),
    ],
)
def test_every_label_must_be_applied(
    asked: list[int], applied: list[int], ok: bool, said: str
) -> None:
    claims = [record(INTENTS, number) for number in asked]

    found = compare_labels(claims, [record(LABELS, number) for number in applied], NOW)

    assert (found.ok, said in found.text) == (ok, True), found.text


def test_a_label_has_a_minute() -> None:
    assert compare_labels([record(INTENTS, 0, seconds=3590)], [], NOW).ok


def test_other_records_of_the_log_are_no_labels() -> None:
    event = replace(record(INTENTS, 0), headers=INTENT.headers("e", START, source="test"))
    damaged = replace(record(INTENTS, 1), value=b"{")

    assert compare_labels([event, damaged], [], NOW).ok


def test_a_missing_topic_is_named() -> None:
    found = check_labels(Brokers("nobody.invalid:9092"), [INTENTS], NOW)

    assert (found.ok, "misfire topics create" in found.text) == (False, True)
