"""Which leaf of every tree some evidence belongs to, without walking down: a leaf is a box.

A leaf takes the values of some terms that lie between two thresholds. So for each term and each stretch between neighbouring thresholds it
is known beforehand which leaves are possible, a bit for each; over all terms one bit of each tree is left. QuickScorer (Lucchese et al.
2015) goes through the thresholds one after the other; a term has few different ones here, so that all of them are looked up at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Boxes", "boxes_of"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

#: Leaves that fit into a word; a larger tree takes several.
_WORD = 64


class _Trees(Protocol):
    """Decision trees in flat arrays, as ``judge.Judge`` holds and describes them; a tree's nodes follow its root."""

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
        leaves: (W,) all leaves, a bit for each.
        possible: of each term that is split on: its number, its thresholds, ascending, behind a minus infinity, and the leaves (W,) that
            are possible with a missing value, with values up to each threshold, and above all of them.
        moves: (65 W, T) what each term moved on the way to a leaf; the last of 65 is zero and stands for no leaf of the word.
        totals: (65 W,) the same of all terms together.
    """

    leaves: Words
    possible: tuple[tuple[int, list[float], list[Words]], ...]
    moves: Floats
    totals: Floats

    def moved(self, values: Floats) -> Floats:
        """Return what each term moves on the way to the leaves of ``values`` (T,), all trees together, shape (T,); NaN is missing."""
        found = self._found(values)
        return np.asarray(np.ones(len(found)) @ self.moves.take(found, axis=0))

    def total(self, values: Floats) -> float:
        """Return the sum of ``moved``, in a fraction of its time."""
        return float(self.totals.take(self._found(values)).sum())

    def _found(self, values: Floats) -> Ints:
        """Return where each word's leaf is in ``moves``, shape (W,)."""
        known, left, both = values.tolist(), self.leaves.copy(), np.bitwise_and
        for term, edges, possible in self.possible:
            # No threshold is below NaN, so bisect_left gives a missing value its term's first place.
            both(left, possible[bisect_left(edges, known[term])], left)
        # The ones below the bit that is left are as many as its number; where none is left, zero less one has 64.
        return np.asarray(
            np.bitwise_count(left - np.uint64(1)) + np.arange(0, len(self.totals), _WORD + 1)
        )


def boxes_of(trees: _Trees) -> Boxes:
    """Turn trees into boxes."""
    terms, split = len(trees.names), _splits(trees)
    edges = [
        np.append(-np.inf, np.unique(trees.threshold[split & (trees.term % terms == number)]))
        for number in range(terms)
    ]
    nodes = _descended(trees, split, edges)
    leaves = _in_words(np.flatnonzero(~split), trees.roots)
    there = leaves >= 0
    possible: list[tuple[int, list[float], list[Words]]] = []
    for number, known in enumerate(edges):
        if len(known) > 1:
            takes = nodes.takes(number, leaves, len(known) + 1)
            possible.append((number, known.tolist(), list(_packed(takes & there))))
    moves = np.zeros((len(leaves) // _WORD, _WORD + 1, terms))
    moves[:, :_WORD] = (nodes.moves[:, leaves] * there).T.reshape(-1, _WORD, terms)
    flat = moves.reshape(-1, terms)
    return Boxes(_packed(there[None])[0], tuple(possible), flat, flat.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class _Nodes:
    """What N nodes take of T terms, all (T, N): rows from ``lowest`` to ``highest``, missing values or not; and what moved by then."""

    lowest: Ints
    highest: Ints
    missing: Bools
    moves: Floats

    def takes(self, term: int, nodes: Ints, rows: int) -> Bools:
        """Return which of a term's rows each of ``nodes`` (n,) takes, shape (rows, n)."""
        row = np.arange(rows)[:, None]
        found: Bools = (self.lowest[term, nodes] <= row) & (row <= self.highest[term, nodes])
        found[0] = self.missing[term, nodes]
        return found


def _splits(trees: _Trees) -> Bools:
    return np.asarray(trees.children[:, 0] != np.arange(len(trees.bits)))


def _descended(trees: _Trees, split: Bools, edges: Sequence[Floats]) -> _Nodes:
    """Go down all trees at a time. ``split`` (N,) says which nodes are no leaves, ``edges`` each term's thresholds."""
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
    """Lay the leaves out tree after tree, each tree from a word's beginning on, shape (64 W,); -1 where a word has room left."""
    trees = np.split(leaves, np.searchsorted(leaves, roots[1:]))
    return np.concatenate(
        [np.pad(tree, (0, -len(tree) % _WORD), constant_values=-1) for tree in trees]
    )


def _packed(truths: Bools) -> Words:
    """Write (n, 64 W) truths as (n, W) words."""
    return np.packbits(truths, axis=1, bitorder="little").view("<u8").astype(np.uint64)
