"""Finding the leaves of all trees without traversing them.

A leaf is a box: it covers a range of values between two thresholds for each of some terms. For each
term and each interval between neighbouring thresholds, a precomputed bit mask contains the possible
leaves. The masks of all terms combined leave one bit per tree. QuickScorer (Lucchese et al. 2015)
scans the thresholds one by one; here one binary search for all terms finds the masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Boxes", "boxes_of"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.complex128]
Words = npt.NDArray[np.uint64]

#: Leaves per word; a larger tree takes several words.
_WORD = 64


class _Trees(Protocol):
    """Decision trees in flat arrays, as in ``judge.Judge``."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def roots(self) -> Ints: ...
    @property
    def term(self) -> Ints: ...
    @property
    def threshold(self) -> Floats: ...
    @property
    def children(self) -> Ints: ...
    @property
    def bits(self) -> Floats: ...
    @property
    def depth(self) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """The leaves of trees over T terms, in W words of up to 64 leaves of one tree.

    Attributes:
        leaves: (W,) a bit for each leaf.
        splits: for each term that is split on: its index; its thresholds, ascending, after minus
            infinity; and its first row in ``masks``.
        masks: (R, W) for each of these terms: the leaves that are possible with a missing value,
            with values up to each threshold, and with values above all of them.
        moves: (65 W, T) the contributions of each term on the path to a leaf, in bits. The last of
            each 65 rows is zero and means that no leaf of the word was reached.
        totals: (65 W,) the sum of the contributions of all terms.
    """

    leaves: Words
    splits: tuple[tuple[int, list[float], int], ...]
    masks: Words
    moves: Floats
    totals: Floats
    #: (W,) the first row of each word in ``moves``.
    _first: Ints = field(init=False, repr=False)
    #: (S,) the terms in ``splits``, and the place of each.
    _terms: Ints = field(init=False, repr=False)
    _places: Keys = field(init=False, repr=False)
    #: (R - S,) the thresholds of all S terms, ascending. The real part is the place of the term and
    #: the imaginary part the threshold; NumPy sorts complex numbers by one, then by the other.
    _edges: Keys = field(init=False, repr=False)
    #: (S,) each term's first row in ``masks``, beyond its first place in ``_edges``.
    _rows_of_terms: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        counts = [len(edges) for _, edges, _ in self.splits]
        places = np.arange(len(counts), dtype=np.complex128)
        edges = np.repeat(places, counts)
        edges.imag = [edge for _, known, _ in self.splits for edge in known]
        begins = np.cumsum([0, *counts], dtype=np.int64)[:-1]
        put = partial(object.__setattr__, self)
        put("_first", np.arange(0, len(self.totals), _WORD + 1))
        put("_terms", np.array([term for term, _, _ in self.splits], np.int64))
        put("_places", places)
        put("_edges", edges)
        put("_rows_of_terms", np.array([first for _, _, first in self.splits], np.int64) - begins)

    def contributions(self, found: Ints) -> Floats:
        """Return the contributions of each term over all trees, in bits, shape (T,).

        ``found`` (W,) are the leaves that the evidence reaches (``reached``).
        """
        return np.asarray(np.ones(len(found)) @ self.moves.take(found, axis=0))

    def total(self, found: Ints) -> float:
        """Return the sum of ``contributions``, but faster."""
        return float(self.totals.take(found).sum())

    def total_of_each(self, rows: Floats) -> Floats:
        """Return ``total`` of each row of evidence (n, T), shape (n,).

        The masks of a term serve all rows while they are in the processor's cache.
        """
        left = np.repeat(self.leaves[None], len(rows), axis=0)
        for term, edges, first in self.splits:
            # NaN sorts last, but its mask is the first.
            found = np.searchsorted(edges, rows[:, term])
            found[np.isnan(rows[:, term])] = 0
            np.bitwise_and(left, self.masks[found + first], left)
        return np.asarray(self.totals[self._rows(left)].sum(axis=1))

    def reached(self, values: Floats) -> Ints:
        """Return the row of each word's leaf in ``moves``, shape (W,).

        ``values`` (T,) is the evidence; NaN is missing.
        """
        if not self.splits:
            return self._rows(self.leaves)
        # ``fmax`` makes a missing value minus infinity, which has the first mask of its term. One
        # search for all terms takes less time than one for each, or than comparing all thresholds.
        keys = self._places.copy()
        keys.imag = np.fmax(values.take(self._terms), -np.inf)
        rows = self._edges.searchsorted(keys) + self._rows_of_terms
        return self._rows(np.bitwise_and.reduce(self.masks.take(rows, axis=0), axis=0))

    def _rows(self, left: Words) -> Ints:
        """Return the row in ``moves`` of each word that has one leaf left, or none."""
        # The number of ones below the remaining bit is its index. Without one, 0 - 1 has 64 ones.
        return np.asarray(np.bitwise_count(left - np.uint64(1)) + self._first)


def boxes_of(trees: _Trees) -> Boxes:
    """Build the lookup tables of trees."""
    terms, split = len(trees.names), _splits(trees)
    edges = [
        np.append(-np.inf, np.unique(trees.threshold[split & (trees.term % terms == number)]))
        for number in range(terms)
    ]
    nodes = _descended(trees, split, edges)
    leaves = _in_words(np.flatnonzero(~split), trees.roots)
    used = leaves >= 0
    masks = np.empty(
        (sum(len(known) + 1 for known in edges if len(known) > 1), len(leaves) // _WORD), np.uint64
    )
    splits: list[tuple[int, list[float], int]] = []
    first = 0
    for number, known in enumerate(edges):
        if len(known) > 1:
            found = _packed(nodes.takes(number, leaves, len(known) + 1) & used)
            masks[first : first + len(found)] = found
            splits.append((number, known.tolist(), first))
            first += len(found)
    moves = np.zeros((len(leaves) // _WORD, _WORD + 1, terms))
    moves[:, :_WORD] = (nodes.moves[:, leaves] * used).T.reshape(-1, _WORD, terms)
    flat = moves.reshape(-1, terms)
    return Boxes(_packed(used[None])[0], tuple(splits), masks, flat, flat.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class _Nodes:
    """The values of T terms that reach each of N nodes, as rows of the lookup tables.

    Attributes:
        lowest: (T, N) first row.
        highest: (T, N) last row.
        missing: (T, N) whether missing values reach the node.
        moves: (T, N) contributions on the path to the node, in bits.
    """

    lowest: Ints
    highest: Ints
    missing: Bools
    moves: Floats

    def takes(self, term: int, nodes: Ints, rows: int) -> Bools:
        """Return which of a term's rows reach each of ``nodes`` (n,), shape (rows, n)."""
        row = np.arange(rows)[:, None]
        found: Bools = (self.lowest[term, nodes] <= row) & (row <= self.highest[term, nodes])
        found[0] = self.missing[term, nodes]
        return found


def _splits(trees: _Trees) -> Bools:
    return np.asarray(trees.children[:, 0] != np.arange(len(trees.bits)))


def _descended(trees: _Trees, split: Bools, edges: Sequence[Floats]) -> _Nodes:
    """Descend all trees at once. ``split`` (N,) marks inner nodes; ``edges`` are thresholds."""
    terms, on = len(edges), trees.term % max(len(edges), 1)
    last = np.zeros(len(on), np.int64)  # the last row of its term that goes to the lower child
    for number, known in enumerate(edges):
        last[on == number] = np.searchsorted(known, trees.threshold[on == number])
    shape = (terms, len(on))
    nodes = _Nodes(
        np.ones(shape, np.int32),
        np.full(shape, np.iinfo(np.int32).max),
        np.ones(shape, bool),
        np.zeros(shape),
    )
    above = trees.roots
    for _ in range(trees.depth):
        above = above[split[above]]
        low, high, by = *trees.children[above].T, on[above]
        for table in (nodes.lowest, nodes.highest, nodes.missing, nodes.moves):
            table[:, low] = table[:, high] = table[:, above]
        nodes.highest[by, low] = np.minimum(nodes.highest[by, low], last[above])
        nodes.lowest[by, high] = np.maximum(nodes.lowest[by, high], last[above] + 1)
        nodes.missing[by, low] &= trees.term[above] >= terms
        nodes.missing[by, high] &= trees.term[above] < terms
        nodes.moves[by, low] += trees.bits[low] - trees.bits[above]
        nodes.moves[by, high] += trees.bits[high] - trees.bits[above]
        above = trees.children[above].ravel()
    return nodes


def _in_words(leaves: Ints, roots: Ints) -> Ints:
    """Assign leaves to words, each tree from a new word on, shape (64 W,); -1 is an unused bit."""
    trees = np.split(leaves, np.searchsorted(leaves, roots[1:]))
    return np.concatenate(
        [np.pad(tree, (0, -len(tree) % _WORD), constant_values=-1) for tree in trees]
    )


def _packed(truths: Bools) -> Words:
    """Pack (n, 64 W) booleans into (n, W) words."""
    return np.packbits(truths, axis=1, bitorder="little").view("<u8").astype(np.uint64)
