"""Which details people say together: pairs of slots that hardly ever meet, and slots that hardly ever come alone.

Services with the same intent ask for different details: one restaurant wants a party size and a city, another a number of seats and a
location. Who means something sticks to one of them; background talk put together by chance does not.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

__all__ = ["Coherence", "CoherenceCounts", "qualified"]

#: Bits by a slot and another one; a pair that is not there carries none.
Pairs = Mapping[str, Mapping[str, float]]

#: What is less telling than this is not kept: half of the people leave such a slot out (bits).
_TELLING = 1.0


def qualified(domain: str, names: Iterable[str]) -> tuple[str, ...]:
    """Name slots together with their domain: a ``date`` of a flight is not one of a concert."""
    return tuple(sorted(f"{domain}.{name}" for name in names))


@dataclass(frozen=True, slots=True)
class Coherence:
    """How the slots of a committed subject go together, in bits; higher is rarer.

    ``apart`` says by intent how much more seldom two slots are said about one subject than by chance: the pointwise mutual
    information of the pair (Church & Hanks 1990), its sign turned, with half a count added so that what is expected less than
    once tells nothing. ``across`` says the same of a slot said earlier in the session and one of the subject, both with their
    domain. ``left_out`` says by intent how surprising it is that a slot is said without another one.
    """

    apart: Mapping[str, Pairs]
    across: Pairs
    left_out: Mapping[str, Pairs]

    def apart_bits(self, intent: str, names: Iterable[str]) -> list[float]:
        """Return the bits of each pair of ``names`` that hardly ever meets."""
        pairs = self.apart.get(intent, {})
        return [
            pairs[first][second]
            for first, second in combinations(sorted(names), 2)
            if second in pairs.get(first, ())
        ]

    def across_bits(self, earlier: Iterable[str], names: Collection[str]) -> list[float]:
        """Return the bits of each slot said earlier with each of ``names``; all of them ``qualified``."""
        known = [self.across[name] for name in earlier if name in self.across]
        return [pairs[name] for pairs in known for name in names if name in pairs]

    def left_out_bits(self, intent: str, names: Collection[str]) -> list[float]:
        """Return the bits of each slot that goes with one of ``names`` and was not said."""
        pairs = self.left_out.get(intent, {})
        return [
            bits
            for name in names
            for other, bits in pairs.get(name, {}).items()
            if other not in names
        ]


@dataclass(slots=True)
class _PairCounts:
    total: int = 0
    first: Counter[str] = field(default_factory=Counter)
    second: Counter[str] = field(default_factory=Counter)
    both: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, first: Collection[str], second: Collection[str]) -> None:
        self.total += 1
        self.first.update(first)
        self.second.update(second)
        self.both.update((one, other) for one in first for other in second)

    def apart(self, *, ordered: bool = False) -> dict[str, dict[str, float]]:
        """Bits of the pairs that meet more seldom than by chance; ``ordered`` keeps one of each two directions."""
        found: dict[str, dict[str, float]] = {}
        for one, ones in sorted(self.first.items()):
            for other, others in sorted(self.second.items()):
                if ordered and one >= other:
                    continue
                bits = math.log2((ones * others / self.total + 0.5) / (self.both[one, other] + 0.5))
                if bits > 0.0:
                    found.setdefault(one, {})[other] = bits
        return found

    def left_out(self) -> dict[str, dict[str, float]]:
        """Bits of a slot that comes without another, add-one estimates."""
        found: dict[str, dict[str, float]] = {}
        for one, ones in sorted(self.first.items()):
            for other in sorted(self.second):
                bits = -math.log2((ones - self.both[one, other] + 1) / (ones + 2))
                if bits > _TELLING and other != one:
                    found.setdefault(one, {})[other] = bits
        return found


@dataclass(slots=True)
class CoherenceCounts:
    """Counts of committed subjects, on their way to a ``Coherence``."""

    _own: defaultdict[str, _PairCounts] = field(default_factory=lambda: defaultdict(_PairCounts))
    _across: _PairCounts = field(default_factory=_PairCounts)

    def add(
        self, intent: str, names: Collection[str], said: Collection[str], earlier: Collection[str]
    ) -> None:
        """Count one command.

        Args:
            intent: what was committed.
            names: slots that were said since the subject changed.
            said: the same, ``qualified``.
            earlier: ``qualified`` slots of the session's subjects before.
        """
        self._own[intent].add(names, names)
        if earlier:
            self._across.add(earlier, said)

    def rates(self) -> Coherence:
        """Return what the counts say."""
        own = sorted(self._own.items())
        return Coherence(
            apart={intent: counts.apart(ordered=True) for intent, counts in own},
            across=self._across.apart(),
            left_out={intent: counts.left_out() for intent, counts in own},
        )
