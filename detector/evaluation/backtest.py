"""The result of a backtest: disagreements, and costs with bounds for what was never seen.

The active bundle stopped some commands, and nothing says whether they were meant. Each of them
costs between what it costs if it was meant and what it costs if it was a misfire (bounds without
assumptions; Manski 1990, Am. Econ. Rev. 80). The bounds are added up per household, and the
bootstrap over households gives an interval for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from detector.contracts.decisions import RiskClass
from detector.contracts.errors import NotEnoughData
from detector.evaluation.compare import FEWEST_HOUSEHOLDS
from detector.evaluation.disagreements import Disagreement, Disagreements
from detector.evaluation.household_bootstrap import Interval, interval, resampled_totals
from detector.evaluation.truth import Truth

__all__ = ["Backtest", "Bounds", "Outcome", "summarise"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One command of a backtest.

    Attributes:
        household_id: the household.
        truth: what is known about the command.
        costs: of the active and of the candidate bundle, the cost if the command was meant and the
            cost if it was not.
        differing: the disagreement, if the verdicts differ.
    """

    household_id: str
    truth: Truth
    costs: tuple[tuple[float, float], tuple[float, float]]
    differing: Disagreement | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """A lower and an upper bound with their 95 % intervals; equal if every outcome was seen."""

    least: Interval
    most: Interval


@dataclass(frozen=True, slots=True)
class Backtest:
    """The report of ``misfire backtest``.

    Costs are per 1,000 commands in the active bundle's policy, at the misfire rate of the log;
    lower is better.

    Attributes:
        versions: the versions of the active bundle and of the candidate.
        households: number of households with commands.
        commands: number of commands by what is known about them.
        disagreements: by risk class, the number of commands by both verdicts, where they differ.
        unseen_disagreements: how many of these commands have no known outcome.
        examples: disagreements to read, those with the most different probabilities first.
        costs: the cost of each bundle.
        difference: the cost of the candidate less that of the active bundle.
    """

    versions: tuple[str, str]
    households: int
    commands: Mapping[Truth, int]
    disagreements: Mapping[RiskClass, Mapping[str, int]]
    unseen_disagreements: int
    examples: tuple[Disagreement, ...]
    costs: tuple[Bounds, Bounds]
    difference: Bounds

    @property
    def verdict(self) -> str:
        """Which bundle costs less, if the intervals show it whatever the unseen commands were."""
        least, most = self.difference.least, self.difference.most
        if most.high < 0.0:
            return "the candidate costs less"
        if least.low > 0.0:
            return "the active bundle costs less"
        if self.unseen_disagreements and least.estimate < 0.0 < most.estimate:
            return (
                "not decided: the sign of the difference depends on "
                f"{self.unseen_disagreements:,} commands whose outcome was never seen; label them"
            )
        return "neither bundle is shown to cost less"


def summarise(
    outcomes: Iterable[Outcome], versions: tuple[str, str], *, examples: int = 10, seed: int = 0
) -> Backtest:
    """Add up commands, which must come household by household.

    Memory grows with the number of households, not with that of commands.

    Args:
        outcomes: the commands.
        versions: the versions of the active bundle and of the candidate.
        examples: number of disagreements to keep.
        seed: seed of the bootstrap.

    Raises:
        NotEnoughData: the commands are of fewer than two households.
    """
    differing, unseen, known = Disagreements(examples), 0, Counter[Truth]()
    sums: list[np.ndarray] = []
    household = None
    for each in outcomes:
        if each.household_id != household:
            household = each.household_id
            sums.append(np.zeros(7))
        sums[-1] += _bounds(each)
        known[each.truth] += 1
        if each.differing is not None:
            differing.add(each.differing)
            unseen += each.truth is Truth.UNSEEN
    if len(sums) < FEWEST_HOUSEHOLDS:
        raise NotEnoughData(
            f"a backtest needs commands of at least {FEWEST_HOUSEHOLDS} households; the log has "
            f"{len(sums)} in this period"
        )
    totals = resampled_totals(np.array(sums), seed)
    costs = 1000.0 * totals[:, 1:] / np.maximum(totals[:, :1], 1.0)
    active, candidate, difference = (
        Bounds(interval(costs[:, place]), interval(costs[:, place + 1])) for place in (0, 2, 4)
    )
    return Backtest(
        versions=versions,
        households=len(sums),
        commands={truth: known[truth] for truth in Truth},
        disagreements=differing.counts,
        unseen_disagreements=unseen,
        examples=differing.examples,
        costs=(active, candidate),
        difference=difference,
    )


def _bounds(command: Outcome) -> list[float]:
    """Return 1, and the least and most cost of the active bundle, the candidate, the difference."""
    (meant, misfire), (meant_too, misfire_too) = command.costs
    cases = {
        Truth.MEANT: [(meant, meant_too)],
        Truth.MISFIRE: [(misfire, misfire_too)],
        Truth.UNSEEN: [(meant, meant_too), (misfire, misfire_too)],
    }[command.truth]
    active, candidate = zip(*cases, strict=True)
    differences = [other - one for one, other in cases]
    ranges = (active, candidate, differences)
    return [1.0, *(bound for each in ranges for bound in (min(each), max(each)))]
