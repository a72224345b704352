"""Intended or misfire: evidence becomes log-odds, and why is exact.

The judge is a sum of small decision trees (``boosting.py`` fits them). On its way down a tree a chain's expected log-odds
move at every split; the move belongs to the term that was split on (Saabas 2014, "Interpreting random forests"), so the
terms' contributions and the offset add up to the log-odds, whatever the trees look like. Nobody walks down at a decision: what a term
moves on the way to a leaf is added up beforehand, and the leaves are looked up (``boxes.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detector.judge.leaf_lookup import Boxes, boxes_of

__all__ = ["Judge", "misfire_probability"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """The fitted judge over T terms: trees whose N nodes lie in flat arrays.

    The values of a fitted judge's nodes are multiples of 2^-36 bits, so that their sums are exact in any order, and the same on every
    machine.

    Attributes:
        names: (T,) the terms, in the order of the evidence.
        roots: (n_trees,) the node at which each tree begins, ascending; its other nodes follow it.
        term: (N,) which term a node splits on; plus T where a missing value goes to the lower child.
        threshold: (N,) values up to it go to the lower child.
        children: (N, 2) the lower and the upper child; a leaf's are the leaf itself.
        bits: (N,) the mean log-likelihood ratio of misfire to meant at the node; higher speaks for a misfire.
        offset_bits: the ratio before any tree is asked.
        depth: how many splits the deepest tree has.
    """

    names: tuple[str, ...]
    roots: Ints
    term: Ints
    threshold: Floats
    children: Ints
    bits: Floats
    offset_bits: float
    depth: int
    _boxes: Boxes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_boxes", boxes_of(self))

    def contributions(self, values: Floats) -> Floats:
        """Return what each term contributes to the log-likelihood ratio, in bits, shape (T,); higher speaks for a misfire.

        Args:
            values: (T,) the evidence; NaN is missing.
        """
        return self._boxes.moved(values)

    def ratio_bits(self, values: Floats) -> float:
        """Return the log-likelihood ratio of misfire to meant in bits: the offset plus all contributions."""
        return self.offset_bits + self._boxes.total(values)


def misfire_probability(ratio_bits: float, base_rate: float) -> float:
    """Return P(misfire) for a log-likelihood ratio in bits where one chain in ``1 / base_rate`` is a misfire.

    >>> round(misfire_probability(0.0, 0.001), 6)
    0.001
    """
    log_odds = ratio_bits + math.log2(base_rate / (1.0 - base_rate))
    return 1.0 / (1.0 + math.exp2(min(-log_odds, 1000.0)))
