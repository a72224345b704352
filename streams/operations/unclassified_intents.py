"""Counts the intents of the latest commands in the log, and those that no policy rule names."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from kafka import KafkaConsumer, TopicPartition

from detector.policy.unclassified import is_unclassified
from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.fetching import poll
from streams.kafka.topics import DECISIONS
from streams.wire.records import DECISION

__all__ = ["RecentIntents", "recent_intents"]


#: How many records of each partition to read, and for how many seconds at most.
_RECORDS, _TIMEOUT_SECONDS = 5_000, 10.0


@dataclass(frozen=True, slots=True)
class RecentIntents:
    """How often each intent occurs in the latest decisions on commands.

    ``unclassified`` are those that no rule of the policy names.
    """

    commands: Counter[str] = field(default_factory=Counter)
    unclassified: Counter[str] = field(default_factory=Counter)

    def add(self, value: bytes | None) -> None:
        """Count a record of the decisions' topic; one that cannot be read is skipped."""
        try:
            decision = DECISION.decode(value)
        except RecordError:
            return
        if decision.misfire_probability is not None or decision.abstained:
            self.commands[decision.intent] += 1
        if is_unclassified(decision):
            self.unclassified[decision.intent] += 1


def recent_intents(brokers: Brokers) -> RecentIntents:
    """Return how often each intent occurs in the latest decisions."""
    consumer = KafkaConsumer(**brokers.options, group_id=None, enable_auto_commit=False)
    try:
        partitions = [
            TopicPartition(DECISIONS, number)
            for number in consumer.partitions_for_topic(DECISIONS) or ()
        ]
        if not partitions:
            return RecentIntents()
        begin, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, max(begin[partition], end[partition] - _RECORDS))
        found, give_up = RecentIntents(), time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < give_up and any(
            consumer.position(each) < end[each] for each in partitions
        ):
            for records in poll(consumer, timeout_ms=500).values():
                for record in records:
                    found.add(record.value)
        return found
    finally:
        consumer.close()
