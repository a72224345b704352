"""An n-gram model that backs off, over many sequences at once.

Witten & Bell (1991), "The zero-frequency problem", IEEE Trans. Inf. Theory 37(4), method C: after n
observations of t distinct continuations of a context, the next one is new with probability
t / (n + t), and the shorter context predicts it. The model trains and scores in time linear in the
number of events (and the logarithm of the number of distinct n-grams).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["NgramModel"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """The n-grams of one length.

    Attributes:
        keys: (n_grams,) ascending; an n-gram's key is the number of its context, which is the
            shorter n-gram before its last symbol, times the number of symbols, plus that symbol.
        counts: (n_grams,) how often each n-gram occurs.
        totals: (n_contexts,) how often each context is continued.
        kinds: (n_contexts,) by how many distinct symbols.
    """

    keys: Ints
    counts: Ints
    totals: Ints
    kinds: Ints


@dataclass(frozen=True, slots=True, eq=False)
class NgramModel:
    """Probabilities of symbols ``0 .. n_symbols - 1`` given up to ``order - 1`` preceding symbols.

    >>> model = NgramModel.fit(np.array([0, 1, 0, 1]), np.array([4]), n_symbols=2, order=2)
    >>> [round(float(bits), 2) for bits in model.surprisals(np.array([0, 1]), np.array([2]))]
    [0.42, 0.26]
    """

    n_symbols: int
    levels: tuple[_Level, ...]

    @classmethod
    def fit(cls, symbols: Ints, sizes: Ints, *, n_symbols: int, order: int) -> NgramModel:
        """Count the n-grams of all lengths up to ``order``.

        Args:
            symbols: (n_events,) the symbols of all sequences, one sequence after the other.
            sizes: (n_sequences,) the lengths of the sequences.
            n_symbols: number of symbols, including those that do not occur.
            order: length of the longest n-grams; 2 is a bigram.
        """
        padded, places = _pad(symbols, sizes, n_symbols, order - 1)
        levels, contexts, n_contexts = [], np.zeros(len(padded), dtype=np.int64), 1
        for _ in range(order):
            keys, grams = np.unique(contexts * (n_symbols + 1) + padded, return_inverse=True)
            counts = np.bincount(grams[places], minlength=len(keys))
            continued = keys[counts > 0] // (n_symbols + 1)
            levels.append(
                _Level(
                    keys,
                    counts,
                    totals=np.bincount(contexts[places], minlength=n_contexts),
                    kinds=np.bincount(continued, minlength=n_contexts),
                )
            )
            contexts, n_contexts = _before(grams.reshape(-1)), len(keys)
        return cls(n_symbols, tuple(levels))

    def surprisals(self, symbols: Ints, sizes: Ints) -> Floats:
        """Return the surprisal of each event in bits, shape (n_events,); higher is rarer."""
        likely = np.full(len(symbols), 1.0 / self.n_symbols)
        for level, contexts, counts in self._lookups(symbols, sizes):
            known = (contexts >= 0) & (level.totals[contexts] > 0)
            total, kinds = level.totals[contexts[known]], level.kinds[contexts[known]]
            likely[known] = (counts[known] + kinds * likely[known]) / (total + kinds)
        bits: Floats = -np.log2(likely)
        return bits

    def _lookups(self, symbols: Ints, sizes: Ints) -> Iterator[tuple[_Level, Ints, Ints]]:
        """Yield each level with each event's context (-1 if unseen) and its n-gram's count."""
        padded, places = _pad(symbols, sizes, self.n_symbols, len(self.levels) - 1)
        contexts = np.zeros(len(padded), dtype=np.int64)
        for level in self.levels:
            keys = contexts * (self.n_symbols + 1) + padded
            found = np.searchsorted(level.keys, keys).clip(max=len(level.keys) - 1)
            seen = (contexts >= 0) & (level.keys[found] == keys)
            yield level, contexts[places], np.where(seen, level.counts[found], 0)[places]
            contexts = _before(np.where(seen, found, -1))


def _before(grams: Ints) -> Ints:
    """Return for each place the n-gram that ends one place earlier."""
    return np.concatenate([[-1], grams[:-1]]) if len(grams) else grams


def _pad(symbols: Ints, sizes: Ints, begin: int, length: int) -> tuple[Ints, Ints]:
    """Put ``length`` symbols ``begin`` before each sequence; return also the events' places."""
    places = np.arange(len(symbols)) + length * np.repeat(np.arange(1, len(sizes) + 1), sizes)
    padded = np.full(len(symbols) + length * len(sizes), begin, dtype=np.int64)
    padded[places] = symbols
    return padded, places
