from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError
from kafka.record import util

from streams.errors import DependencyUnavailable
from streams.kafka import reading
from streams.kafka.connection import Brokers
from streams.kafka.reading import offsets_of, read_topic

TOPIC = "assistant.intents"
BROKERS = Brokers("127.0.0.1:1")
#: The clock of the tests, in seconds.
CLOCK = [0.0]


class Consumer:
    """A consumer of one topic with the partitions 0 and 1, whose offsets begin at 2."""

    def __init__(self, **_: Any) -> None:
        self._fetcher = SimpleNamespace(config={"fetch_max_wait_ms": 50})
        self._next: dict[TopicPartition, int] = {}
        #: The offset after the last readable record; beyond it, polls return nothing.
        self.readable = 7

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0, 1} if topic == TOPIC else None

    def assign(self, partitions: list[TopicPartition]) -> None:
        self._next = dict.fromkeys(partitions, 0)

    def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        self._next |= dict.fromkeys(partitions, 2)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._next[partition] = offset

    def position(self, partition: TopicPartition, **_: Any) -> int:
        return self._next[partition]

    def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 2)

    def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 7)

    def assignment(self) -> set[TopicPartition]:
        return set()

    def poll(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        CLOCK[0] += 1.0
        found = {}
        for partition, offset in self._next.items():
            if offset < self.readable:
                found[partition] = [
                    SimpleNamespace(
                        offset=offset, timestamp=5_000, key=b"h", value=b"v", headers=()
                    )
                ]
                self._next[partition] = offset + 1
        return found

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "KafkaConsumer", Consumer)
    monkeypatch.setattr("streams.kafka.reading.time.monotonic", lambda: CLOCK[0])


def offsets(**options: Any) -> dict[int, list[int]]:
    """Return the offsets that were read, by partition."""
    found: dict[int, list[int]] = {}
    for held in read_topic(BROKERS, TOPIC, **options):
        found.setdefault(held.place.partition, []).append(held.place.offset)
    return found


def test_a_topic_is_read_from_its_oldest_record_to_its_end() -> None:
    assert offsets() == {0: [2, 3, 4, 5, 6], 1: [2, 3, 4, 5, 6]}
    assert offsets(only=1) == {1: [2, 3, 4, 5, 6]}
    assert offsets_of(BROKERS, TOPIC) == {0: (2, 7), 1: (2, 7)}


def test_reading_begins_and_ends_where_it_is_told() -> None:
    assert offsets(begin={0: 5}) == {0: [5, 6], 1: [2, 3, 4, 5, 6]}
    assert offsets(begin={0: 1, 1: 9}, only=0) == {0: [2, 3, 4, 5, 6]}
    assert offsets(begin={0: 3}, end={0: 5, 1: 3}) == {0: [3, 4], 1: [2]}


def test_a_caller_that_works_for_long_is_not_taken_for_a_lost_broker() -> None:
    found = []
    for held in read_topic(BROKERS, TOPIC, 0):
        found.append(held.place.offset)
        CLOCK[0] += 500.0
    assert found == [2, 3, 4, 5, 6]


def test_a_broker_that_stops_before_the_end_is_an_error() -> None:
    with pytest.raises(DependencyUnavailable, match="could not be read to its end"):
        list(read_topic(BROKERS, TOPIC, 0, end={0: 20}))


def test_a_missing_topic_is_an_error() -> None:
    with pytest.raises(DependencyUnavailable, match="is missing"):
        list(read_topic(BROKERS, "another"))
    assert offsets_of(BROKERS, "another") == {}


def test_an_unreachable_broker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: Any) -> Consumer:
        raise KafkaTimeoutError

    monkeypatch.setattr(reading, "KafkaConsumer", unreachable)
    monkeypatch.setattr(reading, "why_unreachable", lambda brokers: f"nothing at {brokers}")
    with pytest.raises(DependencyUnavailable, match=r"nothing at .*127\.0\.0\.1:1"):
        next(read_topic(BROKERS, TOPIC))


def test_checksums_are_computed_in_c() -> None:
    """In Python they take most of the time of reading a topic, and kafka-python says nothing."""
    assert util._crc32c is not util.crc32c_py
