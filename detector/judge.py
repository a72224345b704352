"""Intended or misfire: evidence becomes log-odds, and why is exact.

An additive model: each term has a step function of its own, and the log-likelihood ratio is their sum (a generalised
additive model, Hastie & Tibshirani 1986, with the step functions of Lou, Caruana & Gehrke 2012). It is trained
contrastively (noise-contrastive estimation, Gutmann & Hyvarinen 2012): meant chains against chains that nobody meant, by
L2-regularised logistic regression on thermometer-coded bins, so that the penalty is on the jumps between neighbouring bins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from detector.errors import NotEnoughData

__all__ = ["Judge", "fit_judge", "misfire_probability"]

Floats = npt.NDArray[np.float64]

#: Bins of a term at most; quantiles of the training evidence.
_BINS = 16
#: Inverse of the L2 penalty on a jump between two bins.
_PENALTY_C = 0.3
_MAX_ITERATIONS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """The fitted judge over T terms.

    Attributes:
        names: (T,) the terms, in the order of the evidence.
        edges: (T, K) where a bin ends and the next begins, padded with infinity.
        bits: (T, K + 2) what a bin contributes: column 0 for a missing value, then the bins in order. On meant chains a term's
            mean is zero, so positive bits speak for a misfire.
        offset_bits: the log-likelihood ratio of a chain whose terms all contribute nothing.
    """

    names: tuple[str, ...]
    edges: Floats
    bits: Floats
    offset_bits: float

    def contributions(self, values: Floats) -> Floats:
        """Return what each term contributes, in bits; higher speaks for a misfire.

        Args:
            values: (T,) or (n, T) evidence; NaN is missing.
        """
        bins = 1 + (values[..., :, None] > self.edges).sum(axis=-1)
        bins = np.where(np.isnan(values), 0, bins)
        contributed: Floats = self.bits[np.arange(len(self.names)), bins]
        return contributed

    def ratio_bits(self, values: Floats) -> Floats:
        """Return the log-likelihood ratio of misfire to meant, in bits: the offset plus all contributions."""
        ratio: Floats = self.offset_bits + self.contributions(values).sum(axis=-1)
        return ratio


def misfire_probability(ratio_bits: float, base_rate: float) -> float:
    """Return P(misfire) for a log-likelihood ratio in bits where one chain in ``1 / base_rate`` is a misfire.

    >>> round(misfire_probability(0.0, 0.001), 6)
    0.001
    """
    log_odds = ratio_bits + math.log2(base_rate / (1.0 - base_rate))
    return 1.0 / (1.0 + math.exp2(min(-log_odds, 1000.0)))


def fit_judge(values: Floats, misfires: npt.NDArray[np.bool_], names: tuple[str, ...]) -> Judge:
    """Fit the judge.

    Args:
        values: (n, T) evidence of committed chains.
        misfires: (n,) which of them nobody meant.
        names: (T,) the terms.

    Raises:
        NotEnoughData: one of the two kinds is missing.
    """
    if not misfires.any() or misfires.all():
        raise NotEnoughData(
            f"the judge needs meant chains and misfires to compare, and has {int((~misfires).sum())} and {int(misfires.sum())}; "
            "train on a longer stream with more commands"
        )
    edges = _edges(values)
    columns, owners = _thermometer(values, edges)
    bits = np.zeros((len(names), edges.shape[1] + 2))
    offset = 0.0
    if owners:
        fitted = LogisticRegression(C=_PENALTY_C, max_iter=_MAX_ITERATIONS, tol=1e-4).fit(columns, misfires)
        bits = _tables(fitted.coef_[0] / math.log(2.0), owners, bits)
        share = float(misfires.mean())
        offset = float(fitted.intercept_[0]) / math.log(2.0) - math.log2(share / (1.0 - share))
    usual = Judge(names, edges, bits, offset).contributions(values[~misfires]).mean(axis=0)
    # A value that was never missing in training says nothing when it is missing: it contributes what is usual.
    always_known = ~np.isnan(values).any(axis=0)
    bits[always_known, 0] = usual[always_known]
    return Judge(names, edges, bits - usual[:, None], offset + float(usual.sum()))


def _edges(values: Floats) -> Floats:
    """Where each term's bins end: quantiles without repetition, padded with infinity to (T, K)."""
    shares = np.linspace(0.0, 1.0, _BINS + 1)[1:-1]
    rows = []
    for column in values.T:
        known = column[~np.isnan(column)]
        cuts = np.unique(np.quantile(known, shares, method="lower")) if len(known) else np.empty(0)
        rows.append(cuts[cuts < known.max()] if len(known) else cuts)
    edges = np.full((len(rows), max(1, *(len(row) for row in rows))), np.inf)
    for row, cuts in zip(edges, rows, strict=True):
        row[: len(cuts)] = cuts
    return edges


def _thermometer(values: Floats, edges: Floats) -> tuple[Floats, list[tuple[int, int]]]:
    """Code evidence as 0/1 columns: "above edge k" for each edge, and "missing"; say which (term, column of ``bits``) each begins."""
    columns, owners = [], []
    for term, cuts in enumerate(edges):
        for number, cut in enumerate(cuts[np.isfinite(cuts)]):
            columns.append(values[:, term] > cut)
            owners.append((term, number + 2))
        missing = np.isnan(values[:, term])
        if missing.any() and not missing.all():
            columns.append(missing)
            owners.append((term, 0))
    return np.array(columns, dtype=float).T, owners


def _tables(weights: Floats, owners: list[tuple[int, int]], empty: Floats) -> Floats:
    """Sum the jumps up into each bin's contribution, (T, K + 2)."""
    jumps = empty.copy()
    for weight, owner in zip(weights, owners, strict=True):
        jumps[owner] = weight
    return np.concatenate([jumps[:, :1], np.cumsum(jumps[:, 1:], axis=1)], axis=1)
