"""Which announcement decides a record. No I/O.

An announcement is marked in each partition of ``assistant.intents`` by a record of its own. It
holds for the records after its mark. The log alone therefore says which bundle decides a record,
and a record that is processed again after a crash gets the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from detector.decision.canary import in_canary
from streams.wire.announcements import Announcement
from streams.wire.state.marks import UNKNOWN

__all__ = ["Marks", "chosen", "deciders", "holding", "is_mark_of", "since"]

#: (announcement's number, partition) -> offset of the first mark that was read.
Marks = Mapping[tuple[int, int], int]


def since(each: Announcement, partition: int, topic_id: str, marks: Marks) -> int | None:
    """Return the offset from which an announcement holds; ``None`` if it does not hold yet.

    Args:
        each: the announcement.
        partition: the partition of ``assistant.intents``.
        topic_id: short id of the topic. Offsets of an earlier topic of that name mean nothing: the
            announcement then holds from the beginning.
        marks: the marks that the worker has read.
    """
    if UNKNOWN not in {each.topic_id, topic_id} and each.topic_id != topic_id:
        return 0
    if each.since is None:
        return marks.get((each.number, partition))
    return each.since[partition] if partition < len(each.since) else 0


def is_mark_of(each: Announcement, partition: int, offset: int) -> bool:
    """Return whether a mark can be that of an announcement: it was written after it.

    A mark before the announcement's end offsets is not its own; it was written by mistake.
    """
    return partition >= len(each.floor) or offset >= each.floor[partition]


def holding(
    announcements: Sequence[Announcement],
    partition: int,
    offset: int,
    *,
    topic_id: str,
    marks: Marks,
) -> list[Announcement]:
    """Return the announcements that hold at a record, the latest first."""
    found = []
    for each in reversed(announcements):
        begins = since(each, partition, topic_id, marks)
        if begins is not None and begins <= offset:
            found.append(each)
    return found


def deciders(
    held: Sequence[Announcement], usable: Callable[[Announcement], bool]
) -> list[Announcement]:
    """Return the announcements that decide: a canary, if the latest is one, and one for all others.

    The latest one decides for the households that it covers, and the latest one for all households
    before it for the others. One whose bundle cannot be used is skipped. Before the first one for
    all households, the result has no such.

    Args:
        held: the announcements that hold, the latest first.
        usable: whether this process can decide with an announcement's bundle.
    """
    found: list[Announcement] = []
    for number, each in enumerate(held):
        if (number == 0 or each.canary >= 1.0) and usable(each):
            found.append(each)
            if each.canary >= 1.0:
                break
    return found


def chosen(
    held: Sequence[Announcement], household_id: str, usable: Callable[[Announcement], bool]
) -> Announcement | None:
    """Return the announcement that decides for a household; ``None`` before the first one."""
    return next(
        (each for each in deciders(held, usable) if in_canary(household_id, each.canary)), None
    )
