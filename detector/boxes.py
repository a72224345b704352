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
        rows: of each term that is split on: its number, its first row in ``possible``, and its thresholds, ascending, behind a minus
            infinity. The first row is for a missing value, the others for the values up to each threshold and above all of them.
        possible: (R, W) the leaves that are possible, a bit for each; row 0 are all of them.
        moves: (65 W, T) what each term moved on the way to a leaf; the last of 65 is zero and stands for no leaf of the word.
    """

    rows: tuple[tuple[int, int, list[float]], ...]
    possible: Words
    moves: Floats

    def moved(self, values: Floats) -> Floats:
        """Return what each term moves on the way to the leaves of ``values`` (T,), all trees together, shape (T,); NaN is missing."""
        known = values.tolist()
        # No threshold is below NaN, so bisect_left gives a missing value its term's first row.
        rows = [0, *[first + bisect_left(edges, known[term]) for term, first, edges in self.rows]]
        left = np.bitwise_and.reduce(self.possible.take(rows, axis=0), axis=0)
        # The ones below the bit that is left are as many as its number; where none is left, zero less one has 64.
        leaves = np.bitwise_count(left - np.uint64(1)) + np.arange(0, len(self.moves), _WORD + 1)
        return np.asarray(np.ones(len(leaves)) @ self.moves.take(leaves, axis=0))


def boxes_of(trees: _Trees) -> Boxes:
    """Turn trees into boxes."""
    terms, split = len(trees.names), _splits(trees)
    edges = [
        np.append(-np.inf, np.unique(trees.threshold[split & (trees.term % terms == number)]))
        for number in range(terms)
    ]
    nodes = _descended(trees, split, edges)
    leaves = _in_words(np.flatnonzero(~split), trees.roots)
    there, first = leaves >= 0, 1
    possible, rows = [_packed(there[None])], []
    for number, known in enumerate(edges):
        if len(known) > 1:
            takes = nodes.takes(number, leaves, len(known) + 1)
            possible.append(_packed(takes & there))
            rows.append((number, first, known.tolist()))
            first += len(takes)
    moves = np.zeros((len(leaves) // _WORD, _WORD + 1, terms))
    moves[:, :_WORD] = (nodes.moves[:, leaves] * there).T.reshape(-1, _WORD, terms)
    return Boxes(tuple(rows), np.concatenate(possible), moves.reshape(-1, terms))


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
    return np.concatenate([np.pad(tree, (0, -len(tree) % _WORD), constant_values=-1) for tree in trees])


def _packed(truths: Bools) -> Words:
    """Write (n, 64 W) truths as (n, W) words."""
    return np.packbits(truths, axis=1, bitorder="little").view("<u8").astype(np.uint64)
