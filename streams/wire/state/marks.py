"""Marks: positions of the last records that a household's state contains.

An offset only counts within one partition of one topic. A household moves to another partition when
partitions are added, and a topic that is deleted and created again starts at zero. A mark therefore
names the id that Kafka assigned to the topic at its creation (KIP-516), the partition and the
offset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

__all__ = [
    "MAX_MARKS",
    "UNKNOWN",
    "Mark",
    "Marks",
    "earlier_topic",
    "is_applied",
    "merged",
    "partition_of",
    "short_id",
    "with_mark",
]

#: Short id of a topic without an id (Kafka before 2.8).
UNKNOWN = ""
#: Bytes of a short id. Two topics of the same name collide once in four billion times.
_ID_BYTES = 4
#: Partitions of one topic that a state remembers; each time partitions are added, a household may
#: move to one more.
MAX_MARKS = 8
#: What Kafka reports for a topic without an id.
_NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in a topic: the topic's short id, the partition and the offset."""

    topic_id: str
    partition: int
    offset: int


#: The last applied record of each partition, all of one topic.
Marks = tuple[Mark, ...]


def short_id(topic_id: object) -> str:
    """Return the short form of a topic's id (a UUID); ``UNKNOWN`` if the topic has no id.

    >>> short_id("01a224e1-d479-7b92-997b-d9bb70f7f20d")
    '7fe73440'
    """
    text = str(topic_id or _NO_ID)
    return UNKNOWN if text == _NO_ID else blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()


def is_applied(marks: Marks, record: Mark) -> bool:
    """Return whether a state contains a record. A record of an unknown topic is not contained.

    In doubt a record is applied rather than dropped.
    """
    return record.topic_id != UNKNOWN and any(
        (mark.topic_id, mark.partition) == (record.topic_id, record.partition)
        and record.offset <= mark.offset
        for mark in marks
    )


def with_mark(marks: Marks, record: Mark) -> Marks:
    """Return the marks after a record is applied. Marks of an earlier topic are removed."""
    others = tuple(
        mark
        for mark in marks
        if mark.topic_id == record.topic_id and mark.partition != record.partition
    )
    return (*others, record)[-MAX_MARKS:]


def earlier_topic(marks: Marks, record: Mark) -> bool:
    """Return whether the marks belong to an earlier topic of the same name, deleted since."""
    return bool(marks) and UNKNOWN != record.topic_id != marks[-1].topic_id != UNKNOWN


def merged(one: Marks, other: Marks) -> Marks:
    """Return the marks of two states that are merged; the topic of ``other`` is the later one."""
    for mark in _of_same_topic(one, other):
        if not is_applied(other, mark):
            other = with_mark(other, mark)
    return other or one


def _of_same_topic(one: Marks, other: Marks) -> Iterable[Mark]:
    return [mark for mark in one if other and mark.topic_id == other[-1].topic_id]


@lru_cache(maxsize=20_000)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that Kafka's clients choose for a key (murmur2)."""
    # The embedded hook reads states in a process that must not load Kafka's client.
    from kafka.partitioner.default import murmur2  # noqa: PLC0415 - as above

    chosen: int = (murmur2(key) & 0x7FFFFFFF) % partitions
    return chosen
