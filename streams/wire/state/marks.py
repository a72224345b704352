"""Where a record stood, and which records are in a household's state already.

An offset alone says little: it counts within one partition of one topic. A household moves to another partition when its topic gets
more of them, and a topic that is deleted and created again counts from zero. So a record is known by all three: the id that Kafka
gave the topic when it was created (KIP-516), the partition, and the offset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from kafka.partitioner.default import murmur2

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

#: The id of a topic that the broker gives none (Kafka before 2.8), and of states that were written before ids were kept.
UNKNOWN = ""
#: Bytes of a topic's id that are kept. That another topic of the same name has the same ones happens once in four billion times.
_ID_BYTES = 4
#: Partitions of one topic that a household can have stood in: one more each time that the topic gets more of them.
MAX_MARKS = 8
#: What Kafka calls the id of a topic without one.
_NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a topic: the topic's short id, the partition, and the offset."""

    topic_id: str
    partition: int
    offset: int


#: The last record of each partition that is in a household's state, all of them of one topic.
Marks = tuple[Mark, ...]


def short_id(topic_id: object) -> str:
    """Shorten a topic's id (a UUID) for a household's state; ``UNKNOWN`` where the broker gives none.

    >>> short_id("01a224e1-d479-7b92-997b-d9bb70f7f20d")
    '7fe73440'
    """
    text = str(topic_id or _NO_ID)
    return UNKNOWN if text == _NO_ID else blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()


def is_applied(marks: Marks, record: Mark) -> bool:
    """Say whether a record is in the state already. What cannot be told is not: it is worked on rather than dropped."""
    return record.topic_id != UNKNOWN and any(
        (mark.topic_id, mark.partition) == (record.topic_id, record.partition)
        and record.offset <= mark.offset
        for mark in marks
    )


def with_mark(marks: Marks, record: Mark) -> Marks:
    """Return the marks after a record. Those of an earlier topic go: its records cannot come any more."""
    others = tuple(
        mark
        for mark in marks
        if mark.topic_id == record.topic_id and mark.partition != record.partition
    )
    return (*others, record)[-MAX_MARKS:]


def earlier_topic(marks: Marks, record: Mark) -> bool:
    """Say whether the marks are about an earlier topic of the same name: it was deleted and created again."""
    return bool(marks) and UNKNOWN != record.topic_id != marks[-1].topic_id != UNKNOWN


def merged(one: Marks, other: Marks) -> Marks:
    """Return the marks of a state that holds what two states of a household hold. The second one's topic is the later one."""
    for mark in _of_same_topic(one, other):
        if not is_applied(other, mark):
            other = with_mark(other, mark)
    return other or one


def _of_same_topic(one: Marks, other: Marks) -> Iterable[Mark]:
    return [mark for mark in one if other and mark.topic_id == other[-1].topic_id]


@lru_cache(maxsize=20_000)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that a household's records belong to: what Kafka's own clients choose for the key (murmur2)."""
    chosen: int = (murmur2(key) & 0x7FFFFFFF) % partitions
    return chosen
