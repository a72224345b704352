"""P-values of a statistic from held-out normal values, given the length of the sequence.

The statistic is standardised by its mean and spread at that length, which are kernel estimates
(Nadaraya 1964, "On estimating regression") shrunk to those of all lengths. The p-value is the share
of held-out normal values that are at least as high, as in conformal prediction (Vovk, Gammerman &
Shafer 2005), interpolated between them. The highest ones follow a generalised Pareto distribution,
fitted by its moments (Hosking & Wallis 1987, "Parameter and quantile estimation for the generalized
Pareto distribution", Technometrics 29(3), section 3), which extends beyond them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["UsualValues"]

Floats = npt.NDArray[np.float64]

#: All lengths together count as this many values of the same length.
_SHRINKAGE = 3.0
_GRID = 129
#: Least width of the kernel, in natural logarithms of the length.
_LEAST_WIDTH = 0.1
#: Added to a spread: a share of the spread over all lengths, and a constant, for constant values.
_SPREAD_SHARE, _LEAST_SPREAD = 0.1, 1e-3
#: Values in the tail: twice the square root of their number, but at least ten, at most a third.
_LEAST_TAIL = 10
_LEAST_EXCESS = 0.05
#: Bits that one statistic can reach.
_MOST_BITS = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Sums over normal values, weighted by how near their lengths are to each length of a grid.

    Attributes:
        center: the mean of all values, which is subtracted before.
        spread: their standard deviation.
        lengths: (129,) logarithms of lengths, ascending.
        sums: (3, 129) the sums of the weights, of the values and of their squares.
    """

    center: float
    spread: float
    lengths: Floats
    sums: Floats

    @classmethod
    def fit(cls, values: Floats, lengths: Floats) -> _Moments:
        width = max(1.06 * float(lengths.std()) * len(lengths) ** -0.2, _LEAST_WIDTH)
        grid = np.linspace(lengths.min(), lengths.max() + _LEAST_WIDTH, _GRID)
        weights = np.exp(-0.5 * ((grid[:, None] - lengths) / width) ** 2)
        center, spread = float(values.mean()), float(values.std())
        sums = (weights @ _powers(values - center)).T
        sums += _SHRINKAGE * np.array([[1.0], [0.0], [spread**2]])
        return cls(center, spread, grid, sums)

    def standardise(self, values: Floats, lengths: Floats, *, own: bool = False) -> Floats:
        """Return the values in standard deviations from the mean, given the lengths.

        Args:
            values: (n,) values of the statistic.
            lengths: (n,) the logarithms of their sequences' lengths.
            own: the values are those of ``fit``; each is left out of its own mean and spread.
        """
        powers = _powers(values - self.center)
        sums = np.stack([np.interp(lengths, self.lengths, each) for each in self.sums], axis=1)
        if own:
            sums = sums - powers
        total, first, second = np.maximum(sums[:, 0], _SHRINKAGE), sums[:, 1], sums[:, 2]
        mean = first / total
        least = _SPREAD_SHARE * self.spread + _LEAST_SPREAD
        spread = np.sqrt(np.maximum(second / total - mean**2, 0.0) + least**2)
        standard: Floats = (powers[:, 1] - mean) / spread
        return standard


@dataclass(frozen=True, slots=True, eq=False)
class UsualValues:
    """How high a statistic is on normal sequences.

    Attributes:
        moments: the mean and spread at each length.
        usual: (n,) the distinct standardised normal values, ascending.
        bits: (n,) the negative binary logarithms of their p-values, ascending.
        tail: the number of the value at which the tail begins.
        scale: scale of the tail, in standard deviations.
        shape: shape of the tail, from 0 (exponential) to 0.5; higher is heavier.
    """

    moments: _Moments
    usual: Floats
    bits: Floats
    tail: int
    scale: float
    shape: float

    @classmethod
    def fit(cls, values: Floats, lengths: Floats) -> tuple[UsualValues, Floats]:
        """Learn from normal values.

        Args:
            values: (n,) values of the statistic.
            lengths: (n,) the logarithms of their sequences' lengths.

        Returns:
            The usual values, and the surprise of each normal value if it had been left out of the
            mean and spread, shape (n,). Those are as high as the surprises of other normal values.
        """
        moments = _Moments.fit(values, lengths)
        standard = moments.standardise(values, lengths, own=True)
        usual, times = np.unique(standard, return_counts=True)
        higher = len(values) - np.cumsum(times)
        bits = -np.log2((higher + 0.5 * times + 0.5) / (len(values) + 1))
        in_tail = min(max(math.ceil(2 * math.sqrt(len(values))), _LEAST_TAIL), len(values) // 3)
        begin = np.sort(standard)[-max(in_tail, 1)]
        excesses = standard[standard >= begin] - begin
        excess = max(float(excesses.mean()), _LEAST_EXCESS)
        # The squared coefficient of variation is 1 for an exponential tail.
        variation = max(float(excesses.var()) / excess**2, 1.0)
        shape, scale = 0.5 - 0.5 / variation, excess * (0.5 + 0.5 / variation)
        found = cls(moments, usual, bits, int(np.searchsorted(usual, begin)), scale, shape)
        return found, found._surprise(standard)

    def surprise(self, values: Floats, lengths: Floats) -> Floats:
        """Return the p-values in bits: -log2 p, at most 100, shape (n,); higher is rarer."""
        return self._surprise(self.moments.standardise(values, lengths))

    def _surprise(self, standard: Floats) -> Floats:
        beyond = np.maximum(standard - self.usual[self.tail], 0.0) / self.scale
        # -ln of the tail's survival function; it becomes that of the exponential distribution.
        rarer = np.log1p(self.shape * beyond) / self.shape if self.shape > 1e-6 else beyond
        inside = np.interp(standard, self.usual, self.bits)
        bits = np.where(beyond > 0.0, self.bits[self.tail] + rarer / math.log(2.0), inside)
        return np.minimum(bits, _MOST_BITS)


def _powers(values: Floats) -> Floats:
    return np.stack([np.ones(len(values)), values, values**2], axis=1)
