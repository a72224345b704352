"""The forward filter of a smoothed cloned HMM, one event at a time.

The filter is the posterior over the clones of the last symbol given the whole sequence so far
(Rabiner 1989, "A tutorial on hidden Markov models", eq. 18-20, scaled). A step costs C x C
operations, independent of the length of the session.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["SequenceModel"]

#: Lower bound of a probability, and its surprisal. It keeps the filter usable after an underflow or
#: a NaN.
_LEAST, _MOST_BITS = 2.0**-1000, 1000.0

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SequenceModel:
    """The transition probabilities of a cloned HMM over M symbols with C clones, with back-off.

    Attributes:
        pairs: (P, 2) symbol pairs in the training data; ``M`` as *from* is the start of a session.
        blocks: (P, C, C) discounted transition probabilities of those pairs.
        escape: (M + 1, C) the probability that a clone backs off to the bigram.
        backoff: (M + 1, M) the bigram's probabilities, themselves backed off; rows sum to one.
        arrival: (M, C) the distribution over clones after a back-off; rows sum to one.
    """

    pairs: Ints
    blocks: Floats
    escape: Floats
    backoff: Floats
    arrival: Floats
    _joint: Mapping[tuple[int, int], Floats] = field(init=False, repr=False)
    #: By symbol: the symbols that followed it in the training data, each with the probabilities
    #: (C,) that a clone of it moves there without a back-off.
    _followers: Mapping[int, Sequence[tuple[int, Floats]]] = field(init=False, repr=False)
    _fresh: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # For each pair in the training data: its own and backed-off transitions, and an additional
        # column with their sum.
        first, second = self.pairs.T
        arrival = self.backoff[first, second][:, None] * self.arrival[second]
        joint = self.blocks + self.escape[first][:, :, None] * arrival[:, None, :]
        joint = np.concatenate([joint, joint.sum(axis=2, keepdims=True)], axis=2)
        pairs = zip(map(tuple, self.pairs.tolist()), joint, strict=True)
        object.__setattr__(self, "_joint", dict(pairs))
        followers: dict[int, list[tuple[int, Floats]]] = {}
        for (one, other), moved in zip(self.pairs.tolist(), self.blocks.sum(axis=2), strict=True):
            followers.setdefault(one, []).append((other, moved))
        object.__setattr__(self, "_followers", followers)
        clones = self.arrival.shape[1]
        fresh = np.full(clones, 1.0 / clones)
        fresh.flags.writeable = False
        object.__setattr__(self, "_fresh", fresh)

    @property
    def start(self) -> int:
        """The symbol before the first one of a session."""
        return int(self.backoff.shape[1])

    def transitions(self, pairs: Ints) -> Floats:
        """Return the transition probabilities of any symbol pairs, shape (n_pairs, C, C).

        Args:
            pairs: (n_pairs, 2) symbols (from, to); ``start`` as *from* is the start of a session.
        """
        first, second = pairs.T
        arrival = self.backoff[first, second][:, None] * self.arrival[second]
        joint: Floats = self.escape[first][:, :, None] * arrival[:, None, :]
        for number, pair in enumerate(map(tuple, pairs.tolist())):
            if pair in self._joint:
                joint[number] = self._joint[pair][:, :-1]
        return joint

    def fresh(self) -> Floats:
        """Return the filter before the first event of a session, shape (C,)."""
        return self._fresh

    def step(self, current: Floats, previous: int, symbol: int) -> tuple[Floats, float]:
        """Advance the filter by one event.

        Args:
            current: (C,) the filter over the clones of ``previous``.
            previous: the previous symbol, or ``start``.
            symbol: the event's symbol.

        Returns:
            The filter over the clones of ``symbol`` (C,), and the event's surprisal in bits, which
            is always finite; higher is rarer.
        """
        joint = self._joint.get((previous, symbol))
        if joint is None:
            likely = float(current @ self.escape[previous]) * float(self.backoff[previous, symbol])
            return self.arrival[symbol], -math.log2(likely) if likely >= _LEAST else _MOST_BITS
        reached = current @ joint
        probability = reached.item(-1)
        if not probability >= _LEAST:  # true for NaN as well
            return self.arrival[symbol], _MOST_BITS
        return reached[:-1] / probability, -math.log2(probability)

    def surprisals(self, symbols: Iterable[int]) -> list[float]:
        """Return the surprisal in bits of each event of a whole session; higher is rarer."""
        current, previous, bits = self.fresh(), self.start, []
        for symbol in symbols:
            current, surprisal = self.step(current, previous, symbol)
            bits.append(surprisal)
            previous = symbol
        return bits

    def predictive(self, current: Floats, previous: int) -> Floats:
        """Return the probabilities of the next symbol, shape (M,); they sum to one."""
        likely: Floats = float(current @ self.escape[previous]) * self.backoff[previous]
        for symbol, moved in self._followers.get(previous, ()):
            likely[symbol] += float(current @ moved)
        return likely
