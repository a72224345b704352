"""Fetches that wait longer while a broker returns nothing although there is something.

The embedded broker (tansu) searches a partition for a time that grows with its length, and returns
no records if that takes longer than the fetch may wait. A consumer with a short wait would then
never receive a record again.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka import KafkaConsumer

from streams.kafka.delivery import REQUEST_SECONDS

__all__ = ["PatientConsumer", "arriving", "lengthen_fetches", "poll"]

#: The longest wait, in milliseconds; the time-out of a request is longer.
_LONGEST_MS = 1000 * REQUEST_SECONDS / 2
#: Factors of the wait after a fetch that returned nothing: although there was something, and
#: because there was nothing. The wait stays near what the broker needs, since new records wait
#: until the fetch before them ends.
_LONGER, _SHORTER = 2.0, 0.95


class PatientConsumer(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka is untyped
    """A consumer whose fetches wait longer while they return nothing of what there is."""

    async def start(self) -> None:
        """Connect, as ``AIOKafkaConsumer.start`` does."""
        await super().start()
        lengthen_fetches(self)


def lengthen_fetches(consumer: Any) -> None:
    """Let a started ``AIOKafkaConsumer`` adapt how long its fetches wait."""
    fetcher = consumer._fetcher  # noqa: SLF001 - aiokafka has no public way
    shortest = wait = float(fetcher._fetch_max_wait_ms)  # noqa: SLF001
    longest = max(_LONGEST_MS, shortest)
    receive = fetcher._proc_fetch_request  # noqa: SLF001

    async def received(assignment: Any, node_id: Any, request: Any) -> bool:
        nonlocal wait
        found: bool = await receive(assignment, node_id, request)
        starved = assignment.active and _is_starved(fetcher._records, assignment, request)  # noqa: SLF001
        if starved or not found:
            wait = min(max(wait * (_LONGER if starved else _SHORTER), shortest), longest)
            fetcher._fetch_max_wait_ms = round(wait)  # noqa: SLF001
        return found

    fetcher._proc_fetch_request = received  # noqa: SLF001


def poll(
    consumer: KafkaConsumer, *, timeout_ms: int, max_records: int | None = None
) -> dict[Any, list[Any]]:
    """Poll a consumer of kafka-python; after an empty poll behind the end, later ones wait longer.

    Args:
        consumer: the consumer.
        timeout_ms: milliseconds to wait for records, or longer if its fetches have been lengthened.
        max_records: the largest number of records; by default the consumer's.

    Returns:
        The records by partition.
    """
    config = consumer._fetcher.config  # noqa: SLF001 - kafka-python has no public way
    wait = config["fetch_max_wait_ms"]
    found: dict[Any, list[Any]] = consumer.poll(
        timeout_ms=max(timeout_ms, round(_LONGER * wait)), max_records=max_records
    )
    if not found and any(_is_behind(consumer, each) for each in consumer.assignment()):
        config["fetch_max_wait_ms"] = round(min(wait * _LONGER, max(_LONGEST_MS, wait)))
    return found


def arriving(consumer: KafkaConsumer) -> Iterator[Any]:
    """Yield records as they arrive, without an end."""
    while True:
        for records in poll(consumer, timeout_ms=1000).values():
            yield from records


def _is_behind(consumer: KafkaConsumer, partition: Any) -> bool:
    """Return whether a partition is known to have more records; no request is made."""
    end = consumer.highwater(partition)
    at = None if end is None else consumer.position(partition, timeout_ms=1)
    return end is not None and at is not None and end > at


def _is_starved(records: Container[TopicPartition], assignment: Any, request: Any) -> bool:
    """Return whether a partition has records, and a fetch returned none of them."""
    for topic, partitions in request.topics:
        for number, offset, _ in partitions:
            partition = TopicPartition(topic, number)
            state = assignment.state_value(partition)
            if state and (state.highwater or 0) > offset and partition not in records:
                return True
    return False
