"""Reading of whole topics, record by record, with the position of each record."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.errors import DependencyUnavailable, TopicMissing
from streams.kafka.connection import Brokers
from streams.kafka.fetching import poll
from streams.kafka.reachable import why_unreachable
from streams.wire.records import Headers

__all__ = ["Place", "TopicRecord", "offsets_of", "open_topic", "read_topic"]

#: Seconds without a record before a topic's end, after which the broker counts as lost.
_PATIENCE = 30.0
#: Polls beyond the reported end, for a topic that is being written to.
_POLLS_BEYOND = 20


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The position of a record."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}, partition {self.partition}, offset {self.offset}"


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """A record of the log. ``timestamp`` is the log's, in seconds since the epoch."""

    place: Place
    timestamp: float
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @classmethod
    def of(cls, partition: TopicPartition, record: Any) -> TopicRecord:
        """Return a record that the consumer read from a partition."""
        return cls(
            Place(partition.topic, partition.partition, record.offset),
            record.timestamp / 1000,
            record.key,
            record.value,
            record.headers or (),
        )


@contextmanager
def open_topic(
    brokers: Brokers, topic: str, only: int | None = None
) -> Iterator[tuple[KafkaConsumer, list[TopicPartition]]]:
    """Yield a consumer, and the partitions of a topic, or only the partition ``only``.

    Raises:
        DependencyUnavailable: no broker answers, the topic is missing, or an error of Kafka ended
            the reading.
    """
    try:
        consumer = KafkaConsumer(
            **brokers.options,
            group_id=None,
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
            bootstrap_timeout_ms=brokers.patience_ms,
        )
    except (KafkaError, OSError) as error:
        raise DependencyUnavailable(why_unreachable(brokers)) from error
    try:
        numbers = consumer.partitions_for_topic(topic) or ()
        partitions = [TopicPartition(topic, number) for number in numbers if only in {None, number}]
        if not partitions:
            raise TopicMissing(topic)
        yield consumer, partitions
    except KafkaError as error:
        raise DependencyUnavailable(
            f"topic {topic} could not be read ({type(error).__name__})"
        ) from error
    finally:
        consumer.close()


def read_topic(
    brokers: Brokers,
    topic: str,
    only: int | None = None,
    *,
    begin: Mapping[int, int] | None = None,
    end: Mapping[int, int] | None = None,
) -> Iterator[TopicRecord]:
    """Yield every record of a topic, or of the partition ``only``, from the beginning to the end.

    Args:
        brokers: the brokers to read from.
        topic: the topic.
        only: the partition to read; all by default.
        begin: the first offset of each partition; by default the oldest record.
        end: the offset after the last one of each partition, which must have been written already;
            by default reading ends at the topic's end.

    The embedded broker (tansu 0.6) reports as the end the offset after the first record of the
    last batch. Reading therefore ends when a poll beyond the reported end returns nothing.

    Raises:
        DependencyUnavailable: the topic is missing, or cannot be read to its end. A partial result
            would look like a complete one.
    """
    with open_topic(brokers, topic, only) as (consumer, partitions):
        consumer.assign(partitions)
        ends = _ends(consumer, partitions, end)
        _seek(consumer, partitions, begin or {})
        last, beyond = time.monotonic(), 0
        while beyond < _POLLS_BEYOND:
            polled = poll(consumer, timeout_ms=200, max_records=5_000)
            if all(consumer.position(partition) >= end for partition, end in ends.items()):
                beyond = beyond + 1 if polled and end is None else _POLLS_BEYOND
            for partition, records in polled.items():
                for record in _until(records, None if end is None else ends[partition]):
                    yield TopicRecord.of(partition, record)
            if polled:
                last = time.monotonic()  # the caller may have worked on the records for long
            elif time.monotonic() - last > _PATIENCE:
                raise DependencyUnavailable(
                    f"topic {topic} could not be read to its end; check the broker's log"
                )


def offsets_of(brokers: Brokers, topic: str) -> dict[int, tuple[int, int]]:
    """Return the first offset and the end of each partition, ``{}`` for a missing topic.

    The embedded broker's end may be too low (``read_topic``).

    Raises:
        DependencyUnavailable: no broker answers.
    """
    try:
        consumer = KafkaConsumer(**brokers.options, group_id=None, enable_auto_commit=False)
        try:
            partitions = [
                TopicPartition(topic, number)
                for number in sorted(consumer.partitions_for_topic(topic) or ())
            ]
            begins = consumer.beginning_offsets(partitions) if partitions else {}
            ends = consumer.end_offsets(partitions) if partitions else {}
        finally:
            consumer.close()
    except KafkaError as error:
        raise DependencyUnavailable(
            f"topic {topic} could not be read ({type(error).__name__})"
        ) from error
    return {each.partition: (begins[each], ends[each]) for each in partitions}


def _ends(
    consumer: KafkaConsumer, partitions: list[TopicPartition], end: Mapping[int, int] | None
) -> dict[TopicPartition, int]:
    if end is None:
        found: dict[TopicPartition, int] = consumer.end_offsets(partitions)
        return found
    return {each: end.get(each.partition, 0) for each in partitions}


def _seek(
    consumer: KafkaConsumer, partitions: list[TopicPartition], begin: Mapping[int, int]
) -> None:
    """Go to the given offset of each partition, or to its oldest record if that is later."""
    consumer.seek_to_beginning(*partitions)
    for partition in partitions:
        first = begin.get(partition.partition, 0)
        if first > consumer.position(partition):
            consumer.seek(partition, first)


def _until(records: list[Any], end: int | None) -> Iterator[Any]:
    return (record for record in records if end is None or record.offset < end)
