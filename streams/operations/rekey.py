"""Which households stand in a partition of the changelog that is not theirs, and what their one state is to be. Pure.

Partitions are chosen by the key's hash and the number of partitions: when a topic gets more of them, households move. Their records do
so by themselves; their states stay where they are until they are written anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from streams.kafka.reading import Held
from streams.wire.state.marks import merged, partition_of
from streams.wire.state.packing import Stored, pack, unpack

__all__ = ["Move", "States", "one_state"]


@dataclass(frozen=True, slots=True)
class Move:
    """A household that moves: its state as its own partition is to hold it, and the partitions that forget it."""

    key: bytes
    home: int
    value: bytes
    #: Whether the home has that very state already: an earlier run wrote it, and did not come to the end.
    there: bool
    leaves: tuple[int, ...]


@dataclass(slots=True)
class States:
    """The changelog's latest value of each household in each partition. Tombstones are left out."""

    latest: dict[bytes, dict[int, bytes]] = field(default_factory=dict)

    def take(self, records: Iterable[Held]) -> States:
        """Take records in, each partition's in their order; return itself."""
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
        """Return what has to move where the topic has so many partitions; nothing where all is as it should be.

        Raises:
            ValueError: a state that would have to be put together with another one is damaged.
        """
        found = []
        for key, places in self.latest.items():
            home = partition_of(key, partitions)
            leaves = tuple(sorted(place for place in places if place != home))
            if leaves:
                value = _together([places[place] for place in (*leaves, home) if place in places])
                found.append(Move(key, home, value, places.get(home) == value, leaves))
        return found


def one_state(one: Stored, other: Stored) -> Stored:
    """Return what two states of one household come to; ``other`` is the one in its own partition.

    Where one of them was erased later, it stands alone: the other may hold what was erased. Otherwise the one that learned more stays.
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


def _together(values: list[bytes]) -> bytes:
    if len(set(values)) == 1:
        return values[0]
    whole = unpack(values[0])
    for value in values[1:]:
        whole = one_state(whole, unpack(value))
    return pack(whole)
