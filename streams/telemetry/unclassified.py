"""Which intents no rule of the policy names: told in the log as they come, and found in the log of decisions afterwards."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from kafka import KafkaConsumer, TopicPartition

from detector.contracts.decisions import Decision
from detector.policy.unclassified import UNCLASSIFIED
from streams.kafka.connection import Brokers
from streams.errors import BadRecord
from streams.wire.records import DECISION
from streams.kafka.topics import DECISIONS

__all__ = ["Notices", "is_unclassified", "unclassified_lately"]

logger = logging.getLogger(__name__)

#: Each intent is told once in so many seconds, and so many intents at most: a caller who invents names fills no log.
_AGAIN_SECONDS, _MOST = 3600.0, 20
#: The latest records of each partition that are looked at, and the seconds that this may take.
_LATEST, _PATIENCE = 5_000, 10.0


def is_unclassified(decision: Decision) -> bool:
    """Return whether a decision is about a command of an intent that no rule of the policy names."""
    return any(reason.code == UNCLASSIFIED for reason in decision.reasons)


class Notices:
    """Says in the log which intents are unclassified. ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, float] = {}

    def saw(self, decision: Decision) -> None:
        """Tell about a decision's intent, unless it was told lately, or too many were."""
        if not is_unclassified(decision):
            return
        now = self._clock()
        self._told = {intent: at for intent, at in self._told.items() if now - at < _AGAIN_SECONDS}
        if decision.intent in self._told or len(self._told) >= _MOST:
            return
        self._told[decision.intent] = now
        logger.warning(
            "no rule of the policy names %s; it counts as %s and is asked about each time; name it in the policy",
            decision.intent,
            decision.risk_class.value,
        )


def unclassified_lately(brokers: Brokers) -> Counter[str]:
    """Return how often each unclassified intent was decided on, among the latest decisions in the log."""
    consumer = KafkaConsumer(**brokers.options, group_id=None, enable_auto_commit=False)
    try:
        partitions = [
            TopicPartition(DECISIONS, number) for number in consumer.partitions_for_topic(DECISIONS) or ()
        ]
        if not partitions:
            return Counter()
        begin, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, max(begin[partition], end[partition] - _LATEST))
        found, give_up = Counter[str](), time.monotonic() + _PATIENCE
        while time.monotonic() < give_up and any(consumer.position(each) < end[each] for each in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                found.update(filter(None, (_intent(record.value) for record in records)))
        return found
    finally:
        consumer.close()


def _intent(value: bytes | None) -> str | None:
    """The intent of a decision that is about an unclassified one."""
    try:
        decision = DECISION.decode(value)
    except BadRecord:
        return None
    return decision.intent if is_unclassified(decision) else None
