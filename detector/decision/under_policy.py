"""What an earlier decision would be under another policy, from what the decision itself says."""

from __future__ import annotations

import math

from detector.contracts.decisions import MILD, Decision, Verdict
from detector.decision.first_time import FIRST_PHYSICAL
from detector.decision.household_limit import OVER_LIMIT
from detector.judge.judge import misfire_probability
from detector.policy.policy import Policy
from detector.policy.unclassified import UNCLASSIFIED

__all__ = ["verdict_under"]

#: Codes of reasons for which a command is at least confirmed, whatever its costs are.
_HELD = frozenset({FIRST_PHYSICAL, UNCLASSIFIED, "awaiting_confirmation"})


def verdict_under(decision: Decision, policy: Policy, *, base_rate: float) -> Verdict | None:
    """Return the verdict that a policy's costs and budgets give for a judged command.

    It is an approximation: a decision does not say how many questions the household was asked
    before, and the smallest share that few calibration scores can promise counts as the budget.

    Args:
        decision: the worker's decision.
        policy: the other policy.
        base_rate: the base rate with which the decision was made.

    Returns:
        The verdict, or ``None`` if the decision is not about a judged command.
    """
    risk = decision.risk_class
    if decision.abstained:
        verdict = policy.classes[risk].fallback
    elif decision.misfire_probability is None or decision.p_value is None:
        return None
    else:
        verdict = Verdict.ALLOW
        if decision.p_value <= policy.classes[risk].budget:
            ratio = _log_odds(decision.misfire_probability) - _log_odds(base_rate)
            probability = misfire_probability(ratio, policy.base_rate)
            harm = policy.harm_of(decision.intent, risk)
            verdict = policy.rule(risk, probability, harm=harm).verdict
    holding = _HELD if risk in MILD else {*_HELD, OVER_LIMIT}
    held = any(reason.code in holding for reason in decision.reasons)
    return policy.at_least_confirm(risk, verdict) if held else verdict


def _log_odds(probability: float) -> float:
    # Decisions are rounded to twelve decimals.
    kept = min(max(probability, 1e-12), 1.0 - 1e-12)
    return math.log2(kept / (1.0 - kept))
