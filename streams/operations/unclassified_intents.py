"""Finds intents that no rule of the policy names among the latest decisions in the log."""

from __future__ import annotations

import time
from collections import Counter

from kafka import KafkaConsumer, TopicPartition

from detector.policy.unclassified import is_unclassified
from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.topics import DECISIONS
from streams.wire.records import DECISION

__all__ = ["recent_unclassified"]


#: How many records of each partition to read, and for how many seconds at most.
_RECORDS, _TIMEOUT_SECONDS = 5_000, 10.0


def recent_unclassified(brokers: Brokers) -> Counter[str]:
    """Return how often each unclassified intent occurs in the latest decisions."""
    consumer = KafkaConsumer(**brokers.options, group_id=None, enable_auto_commit=False)
    try:
        partitions = [
            TopicPartition(DECISIONS, number)
            for number in consumer.partitions_for_topic(DECISIONS) or ()
        ]
        if not partitions:
            return Counter()
        begin, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, max(begin[partition], end[partition] - _RECORDS))
        found, give_up = Counter[str](), time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < give_up and any(
            consumer.position(each) < end[each] for each in partitions
        ):
            for records in consumer.poll(timeout_ms=500).values():
                found.update(filter(None, (_intent(record.value) for record in records)))
        return found
    finally:
        consumer.close()


def _intent(value: bytes | None) -> str | None:
    """Return the intent of a decision if it is unclassified."""
    try:
        decision = DECISION.decode(value)
    except RecordError:
        return None
    return decision.intent if is_unclassified(decision) else None
