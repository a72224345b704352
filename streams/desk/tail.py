"""Follows the topics that the index is made of, in a thread."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.desk.index import MOST_DECISIONS, Index
from streams.desk.records import FOLLOWED, add_record
from streams.kafka.connection import Brokers
from streams.kafka.fetching import poll

__all__ = ["Tail"]

logger = logging.getLogger(__name__)

#: Milliseconds to wait for records.
_POLL_MS = 100
#: Seconds until the next attempt after the broker was lost.
_AGAIN_SECONDS = 2.0
#: Seconds until new partitions and topics that did not exist are looked for.
LOOK_SECONDS = 30.0


class Tail:
    """Fills an index until it is stopped.

    Args:
        brokers: the brokers.
        index: the index to fill.
        most: how many of the latest records of each topic to begin with.
    """

    def __init__(self, brokers: Brokers, index: Index, most: int = MOST_DECISIONS) -> None:
        self._brokers = brokers
        self._index = index
        self._most = most
        self._stopped = threading.Event()
        self._positions: dict[TopicPartition, int] = {}
        self._thread = threading.Thread(target=self._run, name="desk-tail", daemon=True)
        #: Whether everything was read that the topics contained at the start.
        self.caught_up = threading.Event()

    def start(self) -> None:
        """Begin to follow the topics."""
        self._thread.start()

    def stop(self) -> None:
        """Stop and wait for the thread."""
        self._stopped.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except (KafkaError, OSError, ValueError) as error:
                logger.warning("the desk cannot read the log (%s)", type(error).__name__)
            self._stopped.wait(_AGAIN_SECONDS)

    def _follow(self) -> None:
        consumer = KafkaConsumer(
            **self._brokers.options,
            group_id=None,
            enable_auto_commit=False,
            fetch_max_wait_ms=_POLL_MS,
            metadata_max_age_ms=int(1000 * LOOK_SECONDS),
        )
        try:
            partitions = _existing(consumer)
            if not partitions:
                return
            consumer.assign(partitions)
            ends, looked = self._seek(consumer, partitions), time.monotonic()
            while not self._stopped.is_set():
                polled = poll(consumer, timeout_ms=_POLL_MS, max_records=2_000)
                self._add(polled.values())
                if not self.caught_up.is_set() and not polled:
                    self._set_caught_up(consumer, ends)
                if time.monotonic() - looked > LOOK_SECONDS:
                    looked = time.monotonic()
                    if _existing(consumer) != partitions:
                        return
        finally:
            consumer.close()

    def _seek(self, consumer: Any, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Start at the latest records of each partition, or where an earlier connection ended."""
        begin, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        for partition in partitions:
            share = self._most // sum(each.topic == partition.topic for each in partitions)
            first, known = max(begin[partition], end[partition] - share), self._positions
            # A position beyond the end is one of a topic that was deleted and created again.
            if first < known.get(partition, 0) <= end[partition]:
                first = known[partition]
            consumer.seek(partition, first)
        return dict(end)

    def _add(self, polled: Iterable[list[Any]]) -> None:
        for records in polled:
            for record in records:
                place = TopicPartition(record.topic, record.partition)
                add_record(
                    self._index,
                    record.topic,
                    record.headers,
                    record.value,
                    record.timestamp / 1000,
                )
                self._positions[place] = record.offset + 1

    def _set_caught_up(self, consumer: Any, ends: dict[TopicPartition, int]) -> None:
        if all(consumer.position(partition) >= end for partition, end in ends.items()):
            self.caught_up.set()
            logger.info("the desk shows the log up to %.0f", time.time())


def _existing(consumer: KafkaConsumer) -> list[TopicPartition]:
    """Return the partitions of the topics that exist."""
    return [
        TopicPartition(topic, number)
        for topic in FOLLOWED
        for number in sorted(consumer.partitions_for_topic(topic))
    ]
