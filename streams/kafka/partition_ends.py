"""Reading of the first or last records of each partition, without reading the whole topic."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from streams.kafka.connection import Brokers
from streams.kafka.fetching import poll

__all__ = ["records_at_ends"]

#: Seconds to wait for all partitions together. Partitions without an answer are left out.
_PATIENCE = 10.0


def records_at_ends(
    brokers: Brokers, topics: Iterable[str], *, latest: bool
) -> Iterator[tuple[str, list[Any]]]:
    """Yield a topic's name and records of one partition, for each partition that is not empty.

    Args:
        brokers: the brokers to read from.
        topics: names of topics; missing topics are skipped.
        latest: start at the last record of a partition rather than at the first.
    """
    consumer = KafkaConsumer(
        **brokers.options, group_id=None, enable_auto_commit=False, max_partition_fetch_bytes=1
    )
    try:
        partitions = [
            TopicPartition(name, number)
            for name in topics
            for number in consumer.partitions_for_topic(name) or ()
        ]
        begin, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        waiting = {partition for partition in partitions if end[partition] > begin[partition]}
        consumer.assign([*waiting])
        for partition in waiting:
            consumer.seek(partition, end[partition] - 1 if latest else begin[partition])
        give_up = time.monotonic() + _PATIENCE
        while waiting and time.monotonic() < give_up:
            for partition, records in poll(consumer, timeout_ms=500).items():
                waiting.discard(partition)
                yield partition.topic, records
    finally:
        consumer.close()
