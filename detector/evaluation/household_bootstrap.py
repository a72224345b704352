"""Confidence intervals from the bootstrap over households.

Commands of one household are not independent, so whole households are drawn (cluster bootstrap;
Efron 1979, Ann. Statist. 7; Davison & Hinkley 1997, 3.8).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["RESAMPLES", "Interval", "interval", "resampled_totals"]

RESAMPLES = 2_000
#: Percentiles of a 95 % interval.
_LOW, _HIGH = 2.5, 97.5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % confidence interval."""

    estimate: float
    low: float
    high: float


def resampled_totals(sums: Floats, seed: int) -> Floats:
    """Return the totals of all households, and those of ``RESAMPLES`` resamples.

    Memory is that of one resample, whatever the number of households.

    Args:
        sums: (n, K) sums of n households.
        seed: seed of the resamples.

    Returns:
        Totals of shape (1 + RESAMPLES, K); the first row is that of the households as they are.
    """
    rng, households = np.random.default_rng(seed), len(sums)
    shares = np.full(households, 1.0 / households)
    totals = np.empty((1 + RESAMPLES, sums.shape[1]))
    totals[0] = sums.sum(axis=0)
    for number in range(1, 1 + RESAMPLES):
        totals[number] = rng.multinomial(households, shares) @ sums
    return totals


def interval(values: Floats) -> Interval:
    """Return the interval of (1 + RESAMPLES,) values, of which the first is the estimate."""
    low, high = np.percentile(values[1:], (_LOW, _HIGH))
    return Interval(round(float(values[0]), 3), round(float(low), 3), round(float(high), 3))
