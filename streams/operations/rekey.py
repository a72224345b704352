"""Finds states in the wrong partition of the changelog and merges duplicates. No I/O.

A household's partition depends on its key's hash and on the number of partitions, so adding
partitions moves households. New records go to the new partition without further work; a state stays
in the old one until it is written again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from streams.kafka.reading import TopicRecord
from streams.wire.state.marks import merged, partition_of
from streams.wire.state.packing import Stored, pack, unpack

__all__ = ["Move", "States", "merge_states"]


@dataclass(frozen=True, slots=True)
class Move:
    """One state to move into its own partition.

    Attributes:
        key: the household's key.
        home: its own partition.
        value: the state.
        there: whether ``home`` has this value already, from an interrupted run.
        leaves: the partitions to delete it from.
    """

    key: bytes
    home: int
    value: bytes
    there: bool
    leaves: tuple[int, ...]


@dataclass(slots=True)
class States:
    """The latest value of each household in each partition of the changelog, without tombstones."""

    latest: dict[bytes, dict[int, bytes]] = field(default_factory=dict)

    def take(self, records: Iterable[TopicRecord]) -> States:
        """Add records, which must be in order within each partition, and return ``self``."""
        for held in records:
            if held.key is None:
                continue
            found = self.latest.setdefault(held.key, {})
            if held.value is None:
                found.pop(held.place.partition, None)
            else:
                found[held.place.partition] = held.value
        return self

    def moves(self, partitions: int) -> list[Move]:
        """Return the moves that put each state into its own one of ``partitions`` partitions.

        Raises:
            ValueError: a state that has to be merged with another one is damaged.
        """
        found = []
        for key, places in self.latest.items():
            home = partition_of(key, partitions)
            leaves = tuple(sorted(place for place in places if place != home))
            if leaves:
                value = _merged([places[place] for place in (*leaves, home) if place in places])
                found.append(Move(key, home, value, places.get(home) == value, leaves))
        return found


def merge_states(one: Stored, other: Stored) -> Stored:
    """Merge two states of one household; ``other`` is the one in the household's own partition.

    If one of them was erased later, it wins: the other may contain what was erased. Otherwise the
    one that has learned more wins. The positions of both are kept.
    """
    if one.erased != other.erased:
        kept = max(
            (other, one), key=lambda stored: -1.0 if stored.erased is None else stored.erased
        )
    else:
        kept = max((other, one), key=lambda stored: (stored.state.learned, stored.state.events))
    return replace(
        kept,
        intents=merged(one.intents, other.intents),
        outcomes=merged(one.outcomes, other.outcomes),
    )


def _merged(values: list[bytes]) -> bytes:
    if len(set(values)) == 1:
        return values[0]
    whole = unpack(values[0])
    for value in values[1:]:
        whole = merge_states(whole, unpack(value))
    return pack(whole)
