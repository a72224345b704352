"""Reads the latest events of ``assistant.intents``."""

from __future__ import annotations

import time
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from detector.contracts.events import IntentEvent
from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.fetching import poll
from streams.kafka.topics import INTENTS
from streams.wire.records import HISTORY, INTENT, check_type, header

__all__ = ["recent_events"]

#: Seconds without a record after which a partition counts as read to its end.
_SILENCE = 2.0


def recent_events(brokers: Brokers, *, since: float, most: int) -> list[IntentEvent]:
    """Return the latest events, in the order of their log time.

    Args:
        brokers: the brokers.
        since: the earliest log time, in seconds since the epoch.
        most: the largest number of records to read, shared equally by the partitions.
    """
    consumer = KafkaConsumer(
        **brokers.options, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=50
    )
    try:
        places = [
            TopicPartition(INTENTS, number)
            for number in consumer.partitions_for_topic(INTENTS) or ()
        ]
        if not places:
            return []
        begins, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
        consumer.assign(places)
        for place in places:
            consumer.seek(place, max(begins[place], ends[place] - most // len(places)))
        return _read(consumer, ends, since)
    finally:
        consumer.close()


def _read(consumer: Any, ends: dict[Any, int], since: float) -> list[IntentEvent]:
    found: list[tuple[float, IntentEvent]] = []
    heard = time.monotonic()
    while time.monotonic() - heard < _SILENCE:
        for records in poll(consumer, timeout_ms=200, max_records=5_000).values():
            heard = time.monotonic()
            for record in records:
                event = _event(record)
                if event is not None and record.timestamp / 1000 >= since:
                    found.append((record.timestamp, event))
        if all(consumer.position(place) >= end for place, end in ends.items()):
            break
    found.sort(key=lambda each: each[0])
    return [event for _, event in found]


def _event(record: Any) -> IntentEvent | None:
    """Return the event of a record; ``None`` for probes, commands and unreadable records."""
    if record.key is None or header(record.headers, HISTORY) is not None:
        return None
    try:
        check_type(record.headers, INTENT)
        return INTENT.decode(record.value)
    except RecordError:
        return None
