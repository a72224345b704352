"""Reads the state of one household from the changelog."""

from __future__ import annotations

from streams.kafka.connection import Brokers
from streams.kafka.reading import read_topic
from streams.kafka.topic_ids import look_up
from streams.kafka.topics import HOUSEHOLDS, admin
from streams.wire.state.marks import partition_of
from streams.wire.state.packing import Stored, unpack

__all__ = ["read_state"]


def read_state(brokers: Brokers, household_id: str) -> Stored | None:
    """Return the latest state of a household, or ``None`` if it has none.

    It reads the household's whole partition of the changelog.

    Raises:
        DependencyUnavailable: the changelog is missing or cannot be read.
    """
    client = admin(brokers)
    try:
        partitions = look_up(client, [HOUSEHOLDS]).partitions.get(HOUSEHOLDS, 1)
    finally:
        client.close()
    key, latest = household_id.encode(), None
    for held in read_topic(brokers, HOUSEHOLDS, partition_of(key, partitions)):
        if held.key == key:
            latest = held.value
    return unpack(latest) if latest else None
