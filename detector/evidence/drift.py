"""Drift of the evidence from the training data, measured by the population stability index.

The index is the symmetric Kullback-Leibler divergence of two binned distributions (Kullback &
Leibler 1951, Ann. Math. Stat. 22). In credit scoring, an index below 0.1 means no drift, and one
above 0.25 means drift (Siddiqi 2006, Credit Risk Scorecards).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["BINS", "LEAST_SHARE", "Distribution", "fit_distribution", "stability_index"]

#: Bins of known values; one more bin contains the missing ones.
BINS = 10
#: Lower bound of a bin's share. Without it, an empty bin would make the index infinite. One value
#: in ten thousand is not drift.
LEAST_SHARE = 1e-4

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """The distribution of T terms in the meant commands of the training data.

    Attributes:
        edges: (T, BINS - 1) the upper edges of all bins but the last, ascending; infinite if a term
            has too few distinct values.
        shares: (T, BINS + 1) the share of values in each bin; the last bin is for missing values.
    """

    edges: Floats
    shares: Floats

    def bins(self, values: Floats) -> npt.NDArray[np.int64]:
        """Return the bin of each term's value, shape (T,); NaN means missing."""
        inside = (values[:, None] > self.edges).sum(axis=1)
        return np.where(np.isnan(values), BINS, inside)


def fit_distribution(rows: Sequence[Floats]) -> Distribution:
    """Return the distribution of (n, T) evidence, in bins of about equal shares; n is at least 1.

    >>> found = fit_distribution([np.array([float(n % 4)]) for n in range(100)])
    >>> found.edges[0, :4].tolist(), found.shares[0, :4].tolist()
    ([0.0, 1.0, 2.0, inf], [0.25, 0.25, 0.25, 0.25])
    """
    values = np.asarray(rows)
    edges = np.full((values.shape[1], BINS - 1), np.inf)
    for term, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if len(known):
            cuts = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="lower"))
            cuts = cuts[cuts < known.max()]
            edges[term, : len(cuts)] = cuts
    draft = Distribution(edges, np.empty(0))
    counts = np.zeros((values.shape[1], BINS + 1))
    terms = np.arange(values.shape[1])
    for row in values:
        counts[terms, draft.bins(row)] += 1
    return Distribution(edges, counts / len(values))


def stability_index(expected: Floats, found: Floats) -> Floats:
    """Return the population stability index along the last axis; 0 is no drift, higher is more.

    Args:
        expected: (..., B) shares in the training data.
        found: (..., B) shares or counts in current data.

    >>> float(stability_index(np.array([0.5, 0.5]), np.array([5.0, 5.0])))
    0.0
    """
    now = found / found.sum(axis=-1, keepdims=True)
    now, then = np.maximum(now, LEAST_SHARE), np.maximum(expected, LEAST_SHARE)
    return np.asarray(((now - then) * np.log(now / then)).sum(axis=-1))
