"""Reading topics to their ends, record by record, with the place of each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.wire.records import Headers

__all__ = ["Held", "Place", "read_topic"]

#: Seconds without a record, before a topic's end, after which the broker counts as lost.
_PATIENCE = 30.0
#: Polls beyond the end that the broker told, where more comes all the time.
_POLLS_BEYOND = 20


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a record stands."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}, partition {self.partition}, offset {self.offset}"


@dataclass(frozen=True, slots=True)
class Held:
    """A record as the log holds it. ``timestamp`` is the broker's, in seconds."""

    place: Place
    timestamp: float
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def read_topic(brokers: Brokers, topic: str, only: int | None = None) -> Iterator[Held]:
    """Read every record of a topic, or of one partition ``only``, to where it ends when nothing more comes.

    The end that the embedded broker (tansu 0.6) tells is one after the first record of the last batch: so the end is not where it says,
    but where a poll brings nothing beyond it.

    Raises:
        DependencyUnavailable: the topic is not there, or the broker does not give all of it: half of an answer would look like one.
    """
    consumer = KafkaConsumer(
        **brokers.options, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=50
    )
    try:
        numbers = consumer.partitions_for_topic(topic) or ()
        partitions = [TopicPartition(topic, number) for number in numbers if only in {None, number}]
        if not partitions:
            raise DependencyUnavailable(
                f"topic {topic} is missing; create it with 'misfire topics create'"
            )
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.seek_to_beginning(*partitions)
        last, beyond = time.monotonic(), 0
        while beyond < _POLLS_BEYOND:
            polled = consumer.poll(timeout_ms=200, max_records=5_000)
            last = time.monotonic() if polled else last
            if all(consumer.position(partition) >= end for partition, end in ends.items()):
                beyond = beyond + 1 if polled else _POLLS_BEYOND
            for partition, records in polled.items():
                for record in records:
                    place = Place(topic, partition.partition, record.offset)
                    yield Held(
                        place,
                        record.timestamp / 1000,
                        record.key,
                        record.value,
                        record.headers or (),
                    )
            if time.monotonic() - last > _PATIENCE:
                raise DependencyUnavailable(
                    f"topic {topic} could not be read to its end; look at the broker"
                )
    except KafkaError as error:
        raise DependencyUnavailable(
            f"topic {topic} could not be read ({type(error).__name__})"
        ) from error
    finally:
        consumer.close()
