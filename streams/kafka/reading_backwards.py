"""Reading of a topic from its end, for what is recent in a long log."""

from __future__ import annotations

import time
from collections.abc import Iterator

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place, TopicRecord

__all__ = ["read_backwards"]

#: Offsets that are read at once, from the newest window to the oldest.
_WINDOW = 5_000
#: Seconds without a record within a window, after which the broker counts as lost.
_PATIENCE = 30.0


def read_backwards(
    brokers: Brokers, topic: str, only: int | None = None
) -> Iterator[list[TopicRecord]]:
    """Yield the records of a topic, or of the partition ``only``, in windows, the newest first.

    Within a window, the records of a partition are in order. What is written during the reading may
    be missing.

    Raises:
        DependencyUnavailable: the topic is missing, or cannot be read.
    """
    consumer = KafkaConsumer(
        **brokers.options, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=50
    )
    try:
        numbers = consumer.partitions_for_topic(topic) or ()
        partitions = [TopicPartition(topic, each) for each in numbers if only in {None, each}]
        if not partitions:
            raise DependencyUnavailable(
                f"topic {topic} is missing; create it with 'misfire topics create'"
            )
        begin = consumer.beginning_offsets(partitions)
        end: dict[TopicPartition, int | None] = dict.fromkeys(partitions)
        last = consumer.end_offsets(partitions)
        while open_ones := [
            each for each in partitions if end[each] is None or end[each] > begin[each]
        ]:
            window = []
            for partition in open_ones:
                stop = end[partition]
                start = max(begin[partition], (last[partition] if stop is None else stop) - _WINDOW)
                window += _between(consumer, partition, start, stop, last[partition])
                end[partition] = start
            yield window
    except KafkaError as error:
        raise DependencyUnavailable(
            f"topic {topic} could not be read ({type(error).__name__})"
        ) from error
    finally:
        consumer.close()


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
        polled = consumer.poll(timeout_ms=200, max_records=_WINDOW).get(partition, [])
        began = time.monotonic() if polled else began
        found += [
            TopicRecord(
                Place(partition.topic, partition.partition, record.offset),
                record.timestamp / 1000,
                record.key,
                record.value,
                record.headers or (),
            )
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
