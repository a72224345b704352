"""Conformal calibration: how unusual a score is among meant commands.

The resulting p-values hold however good the judge is. Source: split conformal prediction (Vovk,
Gammerman & Shafer 2005, chapter 2; per category: Vovk 2012, "Conditional validity of inductive
conformal predictors"). Given n scores of meant commands, p = (1 + number of scores at least as
high) / (n + 1). For the next meant command, p is at most a with probability at most a. The
categories are the risk class and whether the household is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import RiskClass

__all__ = ["NEW_HOUSEHOLD_SESSIONS", "Calibration", "Category"]

#: A household is new until it has learned this many sessions, about its first week.
NEW_HOUSEHOLD_SESSIONS = 10

#: Risk class, and whether the household is new.
Category = tuple[RiskClass, bool]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Scores of meant commands by category, each (n,) and ascending; higher is rarer."""

    scores: Mapping[Category, npt.NDArray[np.float64]]

    def p_value(self, category: Category, score: float, budget: float) -> float | None:
        """Return the conformal p-value of ``score``.

        The result is ``None`` if there are too few scores for any p-value to reach ``budget``. A
        category that is too small also uses the other scores of its risk class.
        """
        risk, new = category
        pools = [self.scores.get(category, np.empty(0))]
        if (len(pools[0]) + 1) * budget < 1.0:
            pools.append(self.scores.get((risk, not new), np.empty(0)))
        count = sum(map(len, pools))
        if (count + 1) * budget < 1.0:
            return None
        at_least = sum(len(pool) - int(np.searchsorted(pool, score, side="left")) for pool in pools)
        return (1 + at_least) / (count + 1)
