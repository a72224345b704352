"""The partition of a key as Kafka's clients choose it, computed once per key.

aiokafka hashes each key anew in Python, which takes longer than the rest of adding a record to its
batch. A household has many records and one key.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from streams.wire.state.marks import partition_of

__all__ = ["partition_for"]


def partition_for(key: bytes | None, partitions: Sequence[int], available: Sequence[int]) -> int:
    """Return the partition of a record, as ``aiokafka.partitioner.DefaultPartitioner`` does.

    Args:
        key: the record's key; a record without one may go to any partition.
        partitions: all partitions of the topic, ascending.
        available: those that have a leader at the moment.
    """
    if key is None:
        return random.choice(available or partitions)
    return partitions[partition_of(key, len(partitions))]
