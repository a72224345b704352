"""Conformal calibration: how unusual a score is among meant commands.

The resulting p-values hold however good the judge is. Source: split conformal prediction (Vovk,
Gammerman & Shafer 2005, chapter 2; per category: Vovk 2012, "Conditional validity of inductive
conformal predictors"). Given n scores of meant commands, p = (1 + number of scores at least as
high) / (n + 1). For the next meant command, p is at most a with probability at most a. The
categories are the risk class and whether the household is new.

The smallest p-value is 1 / (n + 1). With fewer scores than a budget needs, the highest score is
still a valid threshold, but for that larger share.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import MILD, RiskClass

__all__ = ["NEW_HOUSEHOLD_SESSIONS", "Calibration", "Category", "Rank", "Thin"]

#: A household is new until it has learned this many sessions, about its first week.
NEW_HOUSEHOLD_SESSIONS = 10
#: A class with too few scores for its budget promises at most this many times the budget on its
#: own. Beyond that it also uses the scores of classes of similar harm, and then those of all.
_LOOSEST = 5.0

#: Risk class, and whether the household is new.
Category = tuple[RiskClass, bool]
Scores = npt.NDArray[np.float64]
#: Wider and wider pools for a category, each with how many times the budget it may promise.
_WIDENING: tuple[tuple[float, Callable[[Category, Category], bool]], ...] = (
    (1.0, lambda category, other: category == other),
    (_LOOSEST, lambda category, other: category[0] is other[0]),
    (_LOOSEST, lambda category, other: (category[0] in MILD) == (other[0] in MILD)),
    (_LOOSEST, lambda *_: True),
)


@dataclass(frozen=True, slots=True)
class Rank:
    """The rank of a score among those of meant commands.

    Attributes:
        p_value: the conformal p-value, in (0, 1]; lower is rarer.
        limit: commands with a p-value up to this may be interrupted: the budget, or the smallest
            share that the scores can promise if it is larger.
    """

    p_value: float
    limit: float

    @property
    def unusual(self) -> bool:
        """Whether the command may be interrupted."""
        return self.p_value <= self.limit


@dataclass(frozen=True, slots=True)
class Thin:
    """A risk class with too few scores for its budget.

    Attributes:
        risk: the class.
        scores: its scores.
        needed: the scores that its budget needs.
        promised: the share of false interruptions that can be promised instead, or ``None`` if
            every command of the class needs the policy's fallback.
        pooled: whether the scores of other classes had to be used as well.
    """

    risk: RiskClass
    scores: int
    needed: int
    promised: float | None
    pooled: bool

    def __str__(self) -> str:
        found = f"{self.risk}: {self.scores} of {self.needed} scores"
        if self.promised is None:
            return f"{found}; the policy's fallback decides every command"
        if self.pooled:
            return f"{found}; the scores of other classes are used as well"
        share = f"{100 * self.promised:.2g}%"
        return f"{found}; at most {share} of false interruptions can be promised"


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Scores of meant commands by category, each (n,) and ascending; higher is rarer."""

    scores: Mapping[Category, Scores]
    #: The scores as lists: a binary search in a list is faster than in an array.
    _lists: Mapping[Category, list[float]] = field(init=False, repr=False)
    #: Cache: the pool of a category with a budget, sorted, and the limit.
    _pools: dict[tuple[Category, float], tuple[list[float], float] | None] = field(
        init=False, repr=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        lists = {category: scores.tolist() for category, scores in self.scores.items()}
        object.__setattr__(self, "_lists", lists)

    def rank(self, category: Category, score: float, budget: float) -> Rank | None:
        """Return the rank of ``score``, or ``None`` if there are too few scores or no budget."""
        key = category, budget
        if key not in self._pools:
            found = self._pool(category, budget)
            self._pools[key] = found and (sorted(chain.from_iterable(found[0])), found[1])
        pooled = self._pools[key]
        if pooled is None:
            return None
        pool, limit = pooled
        at_least = len(pool) - bisect_left(pool, score)
        return Rank((1 + at_least) / (len(pool) + 1), limit)

    def thin(self, budgets: Mapping[RiskClass, float]) -> list[Thin]:
        """Return the classes with too few scores for their budget, in the order of ``budgets``."""
        found = []
        for risk, budget in budgets.items():
            own = sum(len(self.scores.get((risk, new), ())) for new in (False, True))
            needed = math.ceil(1.0 / budget) - 1 if budget else 0
            if own < needed:
                pool = self._pool((risk, False), budget)
                used = sum(map(len, pool[0])) if pool else 0
                found.append(Thin(risk, own, needed, pool[1] if pool else None, used > own))
        return found

    def _pool(self, category: Category, budget: float) -> tuple[list[list[float]], float] | None:
        """Return the scores to rank among, and the p-value up to which a command is unusual."""
        if budget <= 0.0:
            return None
        for loosest, chosen in _WIDENING:
            pools = [each for other, each in self._lists.items() if chosen(category, other)]
            smallest = 1.0 / (sum(map(len, pools)) + 1)
            if smallest <= loosest * budget:
                return pools, max(budget, smallest)
        return None
