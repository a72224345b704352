"""Curves: recall by the share of false interruptions or kind of misfire, and cost by base rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import Decision, Verdict
from detector.evaluation.costs import cost_per_thousand
from detector.policy.policy import Policy

__all__ = ["KindRecall", "cost_curve", "kind_recall", "recall_at", "roc"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Shares of false interruptions from 0.01 % to 100 %, ten per order of magnitude.
_RATES = np.round(np.logspace(-4.0, 0.0, 41), 6)
#: Base rates from one in 100,000 commands to one in ten.
_BASE_RATES = np.round(np.logspace(-5.0, -1.0, 41), 8)


@dataclass(frozen=True, slots=True)
class KindRecall:
    """Number of misfires of one kind, and recall by the share of false interruptions."""

    misfires: int
    recall: dict[str, float]


def recall_at(rate: float, scores: Floats, truth: Bools) -> float:
    """Return the share of misfires that score above all but ``rate`` of the meant commands.

    Args:
        rate: share of meant commands that may be interrupted.
        scores: (n,) higher is rarer.
        truth: (n,) whether each command is a misfire.
    """
    meant = np.sort(scores[~truth])[::-1]
    place = int(rate * len(meant))
    return float((scores[truth] > meant[place]).mean()) if place < len(meant) else 1.0


def roc(scores: Floats, truth: Bools) -> tuple[tuple[float, float], ...]:
    """Return (share of false interruptions, recall) points on a logarithmic scale."""
    return tuple((float(rate), round(recall_at(rate, scores, truth), 4)) for rate in _RATES)


def kind_recall(
    rates: Sequence[float], scores: Floats, truth: Bools, kinds: Sequence[str]
) -> dict[str, KindRecall]:
    """Return recall by kind of misfire.

    Args:
        rates: shares of all meant commands that may be interrupted.
        scores: (n,) higher is rarer.
        truth: (n,) whether each command is a misfire.
        kinds: (n,) the kinds of misfire; ignored for meant commands.
    """
    found = {}
    for kind in sorted({kind for kind, misfire in zip(kinds, truth, strict=True) if misfire}):
        inside = ~truth | np.array([each == kind for each in kinds])
        recall = {
            f"{rate:g}": round(recall_at(rate, scores[inside], truth[inside]), 4) for rate in rates
        }
        found[kind] = KindRecall(int((truth & inside).sum()), recall)
    return found


def cost_curve(
    decisions: Sequence[Decision],
    misfires: Bools,
    policy: Policy,
    ways: Mapping[str, Callable[[Decision], Verdict]],
) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return (base rate, cost per 1,000 commands) points of each decision rule, at fixed verdicts.

    After Drummond & Holte 2006, "Cost curves", Mach. Learn. 65, but in the policy's units and over
    base rates.
    """
    # The cost is linear in the base rate, so its values at 0 and 1 define the line.
    ends = [
        cost_per_thousand(decisions, misfires, policy, ways, base_rate=rate) for rate in (0.0, 1.0)
    ]
    return {
        name: tuple(
            (float(rate), round((1.0 - rate) * ends[0][name] + rate * ends[1][name], 4))
            for rate in _BASE_RATES
        )
        for name in ways
    }
