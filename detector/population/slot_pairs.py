"""Statistics of slot pairs: slots that rarely occur together, and slots that rarely occur alone.

Services with the same intent ask for different slots: one restaurant asks for a party size and a
city, another for a number of seats and a location. A user who means the command keeps to one
service; background talk mixes them.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

__all__ = ["Coherence", "CoherenceCounts", "qualified"]

#: Bits by a slot and another slot; a missing pair has 0 bits.
Pairs = Mapping[str, Mapping[str, float]]

#: Omissions with fewer bits are not kept: half of the users omit such a slot.
_LEAST_BITS = 1.0


def qualified(domain: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return slot names qualified by their domain: the ``date`` of a flight is not a concert's."""
    return tuple(sorted(f"{domain}.{name}" for name in names))


@dataclass(frozen=True, slots=True)
class Coherence:
    """How unusual combinations of slots are in committed subjects, in bits; higher is rarer.

    Attributes:
        apart: by intent, how much more rarely two slots occur in one subject than by chance. The
            bits are the negative pointwise mutual information of the pair (Church & Hanks 1990).
            Half a count is added, so that a pair expected less than once gives no evidence.
        across: the same for a slot from earlier in the session and a slot of the subject, both
            qualified by their domain.
        left_out: by intent, the surprisal of a slot that is named without another one.
    """

    apart: Mapping[str, Pairs]
    across: Pairs
    left_out: Mapping[str, Pairs]

    def apart_bits(self, intent: str, names: Iterable[str]) -> list[float]:
        """Return the bits of each pair of ``names`` that rarely occurs together."""
        pairs = self.apart.get(intent, {})
        return [
            pairs[first][second]
            for first, second in combinations(sorted(names), 2)
            if second in pairs.get(first, ())
        ]

    def across_bits(self, earlier: Iterable[str], names: Collection[str]) -> list[float]:
        """Return the bits of each earlier slot with each of ``names``; all names are qualified."""
        known = [self.across[name] for name in earlier if name in self.across]
        return [pairs[name] for pairs in known for name in names if name in pairs]

    def left_out_bits(self, intent: str, names: Collection[str]) -> list[float]:
        """Return the bits of each missing slot that usually accompanies one of ``names``."""
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
        """Return the bits of the pairs that occur more rarely than by chance.

        With ``ordered``, each pair occurs once, in alphabetical order.
        """
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
        """Return the bits of each slot without each other one, by add-one estimates."""
        found: dict[str, dict[str, float]] = {}
        for one, ones in sorted(self.first.items()):
            for other in sorted(self.second):
                bits = -math.log2((ones - self.both[one, other] + 1) / (ones + 2))
                if bits > _LEAST_BITS and other != one:
                    found.setdefault(one, {})[other] = bits
        return found


@dataclass(slots=True)
class CoherenceCounts:
    """Counts of committed subjects, from which a ``Coherence`` is made."""

    _own: defaultdict[str, _PairCounts] = field(default_factory=lambda: defaultdict(_PairCounts))
    _across: _PairCounts = field(default_factory=_PairCounts)

    def add(
        self,
        intent: str,
        names: Collection[str],
        qualified_names: Collection[str],
        earlier: Collection[str],
    ) -> None:
        """Count one command.

        Args:
            intent: the committed intent.
            names: the slots that were named since the subject changed.
            qualified_names: the same slots, qualified.
            earlier: the qualified slots of the session's earlier subjects.
        """
        self._own[intent].add(names, names)
        if earlier:
            self._across.add(earlier, qualified_names)

    def rates(self) -> Coherence:
        """Return the coherence of the counted commands."""
        own = sorted(self._own.items())
        return Coherence(
            apart={intent: counts.apart(ordered=True) for intent, counts in own},
            across=self._across.apart(),
            left_out={intent: counts.left_out() for intent, counts in own},
        )
