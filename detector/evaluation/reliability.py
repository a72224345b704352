"""Whether probabilities and budgets hold what they say.

A test stream holds far more misfires than life does. So meant commands and misfires are weighted until the misfires' share is the
policy's base rate, which is what the probabilities are made for.
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

#: Misfires are rare, so the bins of the diagram are equally wide in orders of magnitude.
_EDGES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 0.5)
#: 95 % of a normal distribution, one-sided.
_Z = 1.645


@dataclass(frozen=True, slots=True)
class Bin:
    """One point of the reliability diagram: commands whose probability lies in it, and what it should have been."""

    commands: int
    misfires: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far misfire probabilities are from the shares that came true, all weighted to the base rate.

    ``brier`` is the mean squared error (Brier 1950), ``always_base_rate`` the same for answering the base rate each time;
    ``calibration_error`` the expected calibration error (Naeini, Cooper & Hauskrecht 2015, AAAI). Lower is better.
    """

    brier: float
    always_base_rate: float
    calibration_error: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """What a budget of false interruptions would really have interrupted.

    ``holds`` says that the realised share is not above the budget by more than binomial error (95 %, one-sided);
    ``abstained`` is the share of commands that had no p-value.
    """

    budget: float
    commands: int
    realised: float
    abstained: float
    holds: bool


def prior_weights(misfires: Bools, base_rate: float) -> Floats:
    """Return weights (n,) that sum to one, and to ``base_rate`` over the misfires.

    Args:
        misfires: (n,) with at least one of either kind.
        base_rate: the share of misfires among all commands.
    """
    weights: Floats = np.where(
        misfires, base_rate / misfires.sum(), (1.0 - base_rate) / (~misfires).sum()
    )
    return weights


def reliability(probabilities: Floats, misfires: Bools, base_rate: float) -> Reliability:
    """Compare misfire probabilities (n,) with what came true, (n,) with at least one of either kind."""
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
    """Return what each of ``shares`` as a budget would have interrupted of ``meant`` commands, of which there is at least one."""
    p_values = np.array([decision.p_value for decision in meant], dtype=float)  # None becomes NaN
    abstained = float(np.isnan(p_values).mean())
    found = []
    for share in shares:
        realised = float((p_values <= share).mean())
        lowest = wilson_lower(realised, len(meant))
        found.append(Budget(share, len(meant), realised, abstained, lowest <= share))
    return tuple(found)


def wilson_lower(share: float, n: int) -> float:
    """Lower end of the score interval of a binomial share (Wilson 1927)."""
    spread = _Z * math.sqrt(share * (1.0 - share) / n + _Z**2 / (4.0 * n**2))
    return (share + _Z**2 / (2.0 * n) - spread) / (1.0 + _Z**2 / n)
