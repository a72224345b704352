"""The demo's counts of events, from records of a fake consumer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from detector.contracts.decisions import Decision, Verdict
from detector.household.state import HouseholdState
from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, HOUSEHOLDS
from streams.local.demo import topic_counts as module
from streams.local.demo.topic_counts import Counts, Ledger
from streams.wire.records import DECISION
from streams.wire.state.packing import Stored, pack
from tests.detector.builders import event as an_event
from tests.streams.local.demo.test_stories import ALLOW, BLOCK
from tests.streams.local.demo.test_stories import decision as decided


@dataclass(frozen=True, slots=True)
class Record:
    key: bytes
    value: bytes | None


class Consumer:
    """Returns all records at the first poll, and none afterwards."""

    def __init__(self, records: list[tuple[str, Record]]) -> None:
        self.records = records
        self._fetcher = SimpleNamespace(config={"fetch_max_wait_ms": 50})

    def assignment(self) -> set[TopicPartition]:
        return set()

    def partitions_for_topic(self, _: str) -> set[int]:
        return {0}

    def assign(self, _: Any) -> None: ...

    def seek_to_beginning(self) -> None: ...

    def close(self) -> None: ...

    def poll(self, **_: Any) -> dict[TopicPartition, list[Record]]:
        given, self.records = self.records, []
        return {
            TopicPartition(topic, number): [record] for number, (topic, record) in enumerate(given)
        }


def decision(event_id: str, verdict: Verdict = ALLOW, household: str = "h1") -> tuple[str, Record]:
    event = an_event(event_id=event_id, household_id=household, commits=True)
    made: Decision = replace(decided(event, verdict, worker=True))
    return DECISIONS, Record(household.encode(), DECISION.encode(made))


def state(events: int, household: str = "h1") -> tuple[str, Record]:
    value = pack(Stored(state=HouseholdState(household_id=household, events=events)))
    return HOUSEHOLDS, Record(household.encode(), value)


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Any:
    def counted(sent: list[str], *records: tuple[str, Record]) -> Counts:
        monkeypatch.setattr(module, "_IDLE_SECONDS", 0.02)
        monkeypatch.setattr(module, "KafkaConsumer", lambda **_: Consumer(list(records)))
        return Ledger(Brokers("broker:9092"), ["h1", "h2"]).count(sent)

    return counted


def test_events_that_are_decided_and_applied_once_are_sound(count: Any) -> None:
    counts = count(["e1", "e2"], decision("e1"), decision("e2"), state(1), state(2))
    assert counts == Counts(sent=2, decided=2, lost=0, doubled=0, dead_letters=0)


def test_an_event_without_a_decision_is_lost(count: Any) -> None:
    assert count(["e1", "e2"], decision("e1"), state(1)).lost == 1


def test_an_event_applied_twice_is_a_duplicate(count: Any) -> None:
    assert count(["e1", "e2"], decision("e1"), decision("e2"), state(3)).doubled == 1


def test_an_event_with_two_different_decisions_is_a_duplicate(count: Any) -> None:
    counts = count(["e1"], decision("e1"), decision("e1", BLOCK), state(1))
    assert (counts.decided, counts.doubled) == (1, 1)


def test_a_second_identical_decision_is_a_redelivery(count: Any) -> None:
    assert count(["e1"], decision("e1"), decision("e1"), state(1)).doubled == 0


def test_a_dead_letter_is_not_lost(count: Any) -> None:
    counts = count(["e1", "e2"], decision("e1"), state(1), (DEAD_LETTERS, Record(b"h2", b"broken")))
    assert (counts.lost, counts.dead_letters) == (0, 1)


def test_other_households_on_the_same_kafka_do_not_count(count: Any) -> None:
    foreign = (
        decision("x", household="h9"),
        state(7, "h9"),
        (DEAD_LETTERS, Record(b"h9", b"broken")),
    )
    counts = count(["e1"], decision("e1"), state(1), *foreign)
    assert counts == Counts(sent=1, decided=1, lost=0, doubled=0, dead_letters=0)


def test_waiting_for_missing_decisions_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.02)
    monkeypatch.setattr(module, "KafkaConsumer", lambda **_: Consumer([decision("e1"), state(1)]))
    with pytest.raises(DependencyUnavailable, match="1 of 2 events were not decided"):
        Ledger(Brokers("broker:9092"), ["h1"]).wait_for(["e1", "e2"])
