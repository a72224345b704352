"""Reading of a topic from its end, for what is recent in a long log."""

from __future__ import annotations

import time
from collections.abc import Iterator

from kafka import KafkaConsumer, TopicPartition

from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.kafka.fetching import poll
from streams.kafka.reading import TopicRecord, open_topic

__all__ = ["read_backwards", "records_since"]

#: Offsets that are read at once, from the newest window to the oldest.
_WINDOW = 5_000
#: Seconds without a record within a window, after which the broker counts as lost.
_PATIENCE = 30.0


def read_backwards(
    brokers: Brokers,
    topic: str,
    only: int | None = None,
    *,
    window: int = _WINDOW,
    every: int = 1,
) -> Iterator[list[TopicRecord]]:
    """Yield the records of a topic, or of the partition ``only``, in windows, the newest first.

    Within a window, the records of a partition are in order. What is written during the reading may
    be missing.

    Args:
        brokers: the brokers to read from.
        topic: the topic.
        only: the partition to read; all by default.
        window: the largest number of records of each partition in a window.
        every: yield one window of so many, and skip the others.

    Raises:
        DependencyUnavailable: the topic is missing, or cannot be read.
    """
    with open_topic(brokers, topic, only) as (consumer, partitions):
        begin = consumer.beginning_offsets(partitions)
        end: dict[TopicPartition, int | None] = dict.fromkeys(partitions)
        last = consumer.end_offsets(partitions)
        while open_ones := [
            each for each in partitions if end[each] is None or end[each] > begin[each]
        ]:
            found = []
            for partition in open_ones:
                stop = end[partition]
                start = max(begin[partition], (last[partition] if stop is None else stop) - window)
                found += _between(consumer, partition, start, stop, last[partition])
                end[partition] = start - (every - 1) * window
            yield found


def records_since(brokers: Brokers, topic: str, since: float, *, enough: int) -> int:
    """Return about how many records a topic has since a log time, in seconds since the epoch.

    If the whole topic has no more than ``enough``, the result is their number.

    Raises:
        DependencyUnavailable: the topic is missing, or cannot be read.
    """
    with open_topic(brokers, topic) as (consumer, partitions):
        begin, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        total = sum(end[each] - begin[each] for each in partitions)
        if total <= enough:
            return int(total)
        found = consumer.offsets_for_times(dict.fromkeys(partitions, int(1000 * since)))
        return sum(end[each] - first.offset for each, first in found.items() if first is not None)


def _between(
    consumer: KafkaConsumer, partition: TopicPartition, start: int, stop: int | None, reported: int
) -> list[TopicRecord]:
    """Return the records of a window.

    Without ``stop``, reading ends when a poll beyond the ``reported`` end returns nothing, because
    the embedded broker reports an end inside the last batch (``reading.read_topic``).
    """
    consumer.assign([partition])
    consumer.seek(partition, start)
    found: list[TopicRecord] = []
    began = time.monotonic()
    while stop is None or consumer.position(partition) < stop:
        polled = poll(consumer, timeout_ms=200, max_records=_WINDOW).get(partition, [])
        began = time.monotonic() if polled else began
        found += [
            TopicRecord.of(partition, record)
            for record in polled
            if stop is None or record.offset < stop
        ]
        if stop is None and not polled and consumer.position(partition) >= reported:
            break
        if time.monotonic() - began > _PATIENCE:
            raise DependencyUnavailable(
                f"topic {partition.topic} could not be read to its end; check the broker's log"
            )
    return found
