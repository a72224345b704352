"""Sends one record to a worker and waits for its answer."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.kafka.fetching import poll
from streams.kafka.reading import Place
from streams.kafka.topics import REPLIES
from streams.wire.records import CORRELATION_ID, REPLY_PARTITION, header

__all__ = ["Answer", "Asked", "ask_worker"]

#: Any partition serves: correlation ids tell the answers apart.
_PARTITION = 0
#: Seconds until the broker must have acknowledged the record.
_SEND_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A worker's answer: its CloudEvents type and its value."""

    type: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """A record in the log, and the worker's answer; ``None`` if there was none in time."""

    place: Place
    answer: Answer | None


def ask_worker(
    brokers: Brokers,
    topic: str,
    *,
    key: bytes,
    value: bytes,
    headers: Sequence[tuple[str, bytes]],
    wait: float,
) -> Asked:
    """Send a record and wait up to ``wait`` seconds for the worker's answer.

    Raises:
        DependencyUnavailable: the broker does not accept the record.
    """
    correlation = uuid.uuid4().hex.encode()
    addressed = [
        *headers,
        (REPLY_PARTITION, str(_PARTITION).encode()),
        (CORRELATION_ID, correlation),
    ]
    try:
        consumer = KafkaConsumer(
            **brokers.options, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=20
        )
        try:
            replies = TopicPartition(REPLIES, _PARTITION)
            consumer.assign([replies])
            # The position is fixed before the record is sent, so that no answer is missed.
            consumer.seek(replies, consumer.end_offsets([replies])[replies])
            place = _send(brokers, topic, key, value, addressed)
            return Asked(place, _answer(consumer, correlation, wait))
        finally:
            consumer.close()
    except KafkaError as error:
        raise DependencyUnavailable(
            f"{brokers} did not accept the record ({type(error).__name__})"
        ) from error


def _send(
    brokers: Brokers, topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]
) -> Place:
    producer = KafkaProducer(**brokers.options)
    try:
        found = producer.send(topic, value, key=key, headers=headers).get(timeout=_SEND_SECONDS)
    finally:
        producer.close()
    return Place(found.topic, found.partition, found.offset)


def _answer(consumer: KafkaConsumer, correlation: bytes, wait: float) -> Answer | None:
    give_up = time.monotonic() + wait
    while time.monotonic() < give_up:
        for records in poll(consumer, timeout_ms=100).values():
            for record in records:
                if header(record.headers, CORRELATION_ID) == correlation:
                    kind = header(record.headers, "ce_type") or b""
                    return Answer(kind.decode("ascii", "replace"), record.value or b"")
    return None
