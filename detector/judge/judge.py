"""The judge: from evidence to log-odds of a misfire, with exact contributions of each term.

The judge is a sum of small decision trees (``training/fit_judge.py`` fits them). On the path down
a tree, every split changes the expected log-odds. The change is credited to the term of the split
(Saabas 2014, "Interpreting random forests"). The contributions of all terms and the offset
therefore add up to the log-odds. Trees are not traversed at decision time: the contributions on
each path are summed in advance, and the leaves are looked up (``leaf_lookup.py``).
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
    """The fitted judge over T terms: trees whose N nodes are stored in flat arrays.

    The values of a fitted judge's nodes are multiples of 2^-36 bits. Their sums are exact in any
    order, and equal on every machine.

    Attributes:
        names: (T,) the terms, in the order of the evidence.
        roots: (n_trees,) the root node of each tree, ascending; its other nodes follow it.
        term: (N,) the term that a node splits on, plus T if missing values go to the lower child.
        threshold: (N,) values up to and including it go to the lower child.
        children: (N, 2) the lower and the upper child; a leaf refers to itself.
        bits: (N,) mean log-likelihood ratio of misfire to meant at the node, in bits; higher speaks
            for a misfire.
        offset_bits: the ratio without any tree, in bits.
        depth: splits on the longest path.
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
        """Return the contribution of each term to the log-likelihood ratio, in bits, shape (T,).

        Higher speaks for a misfire.

        Args:
            values: (T,) the evidence; NaN is missing.
        """
        return self.contributions_of(self.reached(values))

    def ratio_bits(self, values: Floats) -> float:
        """Return the log-likelihood ratio of misfire to meant, in bits; higher is a misfire."""
        return self.ratio_of(self.reached(values))

    def reached(self, values: Floats) -> Ints:
        """Return the leaves that the evidence (T,) reaches, for ``ratio_of``."""
        return self._boxes.reached(values)

    def contributions_of(self, leaves: Ints) -> Floats:
        """Return ``contributions`` of the evidence that reaches these leaves."""
        return self._boxes.contributions(leaves)

    def ratio_of(self, leaves: Ints) -> float:
        """Return ``ratio_bits`` of the evidence that reaches these leaves."""
        return self.offset_bits + self._boxes.total(leaves)

    def ratios_bits(self, rows: Floats) -> Floats:
        """Return ``ratio_bits`` of each row of evidence (n, T), shape (n,); faster for many."""
        return self.offset_bits + self._boxes.total_of_each(rows)


def misfire_probability(ratio_bits: float, base_rate: float) -> float:
    """Return P(misfire) for a log-likelihood ratio in bits and a prior ``base_rate`` in (0, 1).

    >>> round(misfire_probability(0.0, 0.001), 6)
    0.001
    """
    log_odds = ratio_bits + math.log2(base_rate / (1.0 - base_rate))
    return 1.0 / (1.0 + math.exp2(min(-log_odds, 1000.0)))
