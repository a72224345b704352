"""Asks the worker of each partition which bundle it decides with."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.fetching import poll
from streams.kafka.topics import INTENTS, REPLIES
from streams.wire.announcements import IN_USE, InUse
from streams.wire.records import (
    ANSWERED_PARTITION,
    CORRELATION_ID,
    PROBE,
    REPLY_PARTITION,
    header,
)

__all__ = ["bundles_in_use", "partitions_of", "wait_for"]

#: The partition of the replies that answers are read from.
_REPLIES = 0
#: Seconds between two rounds of probes.
_AGAIN = 0.2

InUses = Mapping[int, InUse]


def partitions_of(consumer: Any, topic: str) -> list[int]:
    """Return the numbers of a topic's partitions, sorted."""
    return sorted(consumer.partitions_for_topic(topic) or ())


def bundles_in_use(brokers: Brokers, seconds: float) -> tuple[list[int], InUses]:
    """Probe every partition once.

    Returns:
        All partitions of ``assistant.intents``, and what the workers that answered within
        ``seconds`` use. A worker that lags behind answers when it reaches the probe.
    """
    return wait_for(brokers, lambda _: True, seconds)


def wait_for(
    brokers: Brokers, satisfied: Callable[[InUse], bool], seconds: float
) -> tuple[list[int], InUses]:
    """Probe the partitions until the worker of each gives a satisfactory answer.

    Returns:
        As ``bundles_in_use``: the last answer of each partition, satisfactory or not.
    """
    consumer = KafkaConsumer(
        **brokers.options, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=20
    )
    producer = KafkaProducer(**brokers.options)
    try:
        replies = TopicPartition(REPLIES, _REPLIES)
        consumer.assign([replies])
        consumer.seek_to_end(replies)
        consumer.position(replies)
        partitions = partitions_of(consumer, INTENTS)
        name = uuid.uuid4().hex
        answers: dict[int, InUse] = {}
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            lacking = [
                number
                for number in partitions
                if number not in answers or not satisfied(answers[number])
            ]
            if not lacking:
                break
            for number in lacking:
                _probe(producer, number, name)
            producer.flush()
            _receive(consumer, name, answers, until=min(give_up, time.monotonic() + _AGAIN))
        return partitions, answers
    finally:
        producer.close()
        consumer.close()


def _probe(producer: Any, partition: int, name: str) -> None:
    headers = [
        ("ce_type", PROBE.encode()),
        (REPLY_PARTITION, str(_REPLIES).encode()),
        (CORRELATION_ID, name.encode()),
    ]
    producer.send(INTENTS, b"{}", partition=partition, headers=headers)


def _receive(consumer: Any, name: str, answers: dict[int, InUse], *, until: float) -> None:
    while (left := until - time.monotonic()) > 0:
        for records in poll(consumer, timeout_ms=max(1, int(1000 * left))).values():
            for record in records:
                if header(record.headers, CORRELATION_ID) != name.encode():
                    continue
                answered = header(record.headers, ANSWERED_PARTITION)
                with suppress(
                    RecordError
                ):  # a worker of an earlier version answers without a value
                    answers[int(answered or b"-1")] = IN_USE.decode(record.value)
