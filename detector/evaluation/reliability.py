"""Whether misfire probabilities are calibrated and budgets are kept.

A test stream contains far more misfires than real use. Meant commands and misfires are therefore
weighted so that the share of misfires is the policy's base rate, which probabilities refer to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import Decision

__all__ = [
    "Bin",
    "Budget",
    "Reliability",
    "budgets",
    "prior_weights",
    "reliability",
    "wilson_lower",
]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Misfires are rare, so the bins of the diagram have equal widths on a logarithmic scale.
_EDGES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 0.5)
#: The one-sided 95 % quantile of the normal distribution.
_Z = 1.645


@dataclass(frozen=True, slots=True)
class Bin:
    """One point of the reliability diagram: predicted and observed share of misfires in a bin."""

    commands: int
    misfires: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """The error of misfire probabilities, weighted to the base rate; lower is better.

    Attributes:
        brier: mean squared error (Brier 1950).
        always_base_rate: the same error of always predicting the base rate.
        calibration_error: expected calibration error (Naeini, Cooper & Hauskrecht 2015, AAAI).
        bins: the reliability diagram.
    """

    brier: float
    always_base_rate: float
    calibration_error: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """What a budget of false interruptions would have interrupted.

    Attributes:
        budget: the budget, a share of meant commands.
        commands: number of meant commands.
        realised: the share that would have been interrupted.
        abstained: the share without a p-value.
        holds: whether the realised share exceeds the budget by no more than binomial error (95 %,
            one-sided).
    """

    budget: float
    commands: int
    realised: float
    abstained: float
    holds: bool


def prior_weights(misfires: Bools, base_rate: float) -> Floats:
    """Return weights (n,) that sum to one, and over the misfires to ``base_rate``.

    Args:
        misfires: (n,) which commands are misfires, with at least one of each.
        base_rate: share of misfires among all commands.
    """
    weights: Floats = np.where(
        misfires, base_rate / misfires.sum(), (1.0 - base_rate) / (~misfires).sum()
    )
    return weights


def reliability(probabilities: Floats, misfires: Bools, base_rate: float) -> Reliability:
    """Compare misfire probabilities (n,) with labels (n,), at least one of each."""
    weights = prior_weights(misfires, base_rate)
    place = np.digitize(probabilities, _EDGES)
    bins, error = [], 0.0
    for number in np.unique(place):
        inside = place == number
        mass = float(weights[inside].sum())
        predicted = float(weights[inside] @ probabilities[inside]) / mass
        observed = float(weights[inside & misfires].sum()) / mass
        error += mass * abs(predicted - observed)
        bins.append(Bin(int(inside.sum()), int((inside & misfires).sum()), predicted, observed))
    return Reliability(
        brier=float(weights @ (probabilities - misfires) ** 2),
        always_base_rate=base_rate * (1.0 - base_rate),
        calibration_error=error,
        bins=tuple(bins),
    )


def budgets(meant: Sequence[Decision], shares: Sequence[float]) -> tuple[Budget, ...]:
    """Return what each of ``shares``, as a budget, would have interrupted of ``meant`` commands."""
    p_values = np.array([decision.p_value for decision in meant], dtype=float)  # None becomes NaN
    abstained = float(np.isnan(p_values).mean())
    found = []
    for share in shares:
        realised = float((p_values <= share).mean())
        lowest = wilson_lower(realised, len(meant))
        found.append(Budget(share, len(meant), realised, abstained, lowest <= share))
    return tuple(found)


def wilson_lower(share: float, n: int) -> float:
    """Return the lower end of the score interval of a binomial share (Wilson 1927)."""
    spread = _Z * math.sqrt(share * (1.0 - share) / n + _Z**2 / (4.0 * n**2))
    return (share + _Z**2 / (2.0 * n) - spread) / (1.0 + _Z**2 / n)
