"""A bounded sample of households from a stream of any length, the same for the same stream.

Households are ordered by a keyed hash of their id, and those with the smallest hashes are kept
(bottom-k sampling; Cohen & Kaplan 2007, PODC). Whole households are kept or left out, because the
model learns what a household says in sequence.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["HouseholdSample"]

E = TypeVar("E")
_LARGEST = 1 << 64


@dataclass(slots=True)
class HouseholdSample(Generic[E]):
    """The events of the sampled households, in the order in which they were added.

    Attributes:
        most_households: households to keep at most.
        most_events: events to keep at most; one household's events are kept whatever their number.
        seed: seed of the hash.
        threshold: households with this hash or a larger one are not in the sample; it only falls.
        size: number of kept events.
    """

    most_households: int
    most_events: int
    seed: int = 0
    threshold: int = _LARGEST
    size: int = 0
    _events: dict[str, list[E]] = field(default_factory=dict)
    #: (negative hash, household), the largest hash first.
    _heap: list[tuple[int, str]] = field(default_factory=list)

    def rank(self, household_id: str) -> int:
        """Return the hash of a household, of 64 bits."""
        content = f"{self.seed}\0{household_id}".encode()
        return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())

    def wants(self, rank: int) -> bool:
        """Return whether a household with this hash is in the sample so far."""
        return rank < self.threshold

    def add(self, household_id: str, rank: int, event: E) -> None:
        """Add an event of a household that ``wants`` accepts; others may leave the sample."""
        if household_id not in self._events:
            self._events[household_id] = []
            heapq.heappush(self._heap, (-rank, household_id))
        self._events[household_id].append(event)
        self.size += 1
        while len(self._events) > 1 and (
            len(self._events) > self.most_households or self.size > self.most_events
        ):
            largest, name = heapq.heappop(self._heap)
            if name in self._events:
                self.threshold = -largest
                self.size -= len(self._events.pop(name))

    def forget(self, household_id: str) -> int:
        """Remove the events of an erased household, and return their number.

        Later events of it can be added again.
        """
        removed = len(self._events.get(household_id, ()))
        if removed:
            self._events[household_id].clear()
            self.size -= removed
        return removed

    def households(self) -> Iterator[tuple[str, list[E]]]:
        """Yield the households with events, in order of their ids."""
        for name in sorted(self._events):
            if self._events[name]:
                yield name, self._events[name]
