"""What a way of deciding costs in the policy's own units, per 1,000 commands at its base rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from detector.decisions import Decision, RiskClass, Verdict
from detector.policy import Policy
from detector.reliability import prior_weights

__all__ = ["WAYS", "cost_per_thousand", "questions_per_thousand"]

#: What assistants ask about today, whatever the chain.
_ASKED_TODAY = frozenset({RiskClass.PRIVATE_OUTBOUND, RiskClass.PURCHASE})

#: Ways of deciding that look at nothing but our own decision.
WAYS: Mapping[str, Callable[[Decision], Verdict]] = {
    "misfire": lambda decision: decision.verdict,
    "always allow": lambda _: Verdict.ALLOW,
    "ask for outbound and purchases": lambda decision: (
        Verdict.CONFIRM if decision.risk_class in _ASKED_TODAY else Verdict.ALLOW
    ),
}


def cost_per_thousand(
    decisions: Sequence[Decision],
    misfires: npt.NDArray[np.bool_],
    policy: Policy,
    ways: Mapping[str, Callable[[Decision], Verdict]] = WAYS,
) -> dict[str, float]:
    """Return what each way of deciding would have cost; lower is better.

    Args:
        decisions: on (n,) committed chains.
        misfires: (n,) which of them nobody meant, with at least one of either kind.
        policy: the costs.
        ways: the verdict that each way of deciding would have given where ours was the decision, by name.
    """
    weights = prior_weights(misfires, policy.base_rate)
    return {
        name: 1000.0
        * sum(
            weight * _cost(policy, decision.risk_class, way(decision), misfire=bool(misfire))
            for weight, decision, misfire in zip(weights.tolist(), decisions, misfires, strict=True)
        )
        for name, way in ways.items()
    }


def questions_per_thousand(
    decisions: Sequence[Decision], misfires: npt.NDArray[np.bool_], policy: Policy
) -> float:
    """Return how many questions households were asked per 1,000 commands at the policy's base rate; a repeated one counts once.

    Args:
        decisions: on (n,) committed chains, in order.
        misfires: (n,) which of them nobody meant, with at least one of either kind.
        policy: whose base rate counts.
    """
    weights, put, asked = prior_weights(misfires, policy.base_rate), set[str](), 0.0
    for weight, decision in zip(weights.tolist(), decisions, strict=True):
        question = decision.confirm.confirmation_id if decision.confirm else None
        if question is not None and question not in put:
            put.add(question)
            asked += weight
    return 1000.0 * asked


def _cost(policy: Policy, risk: RiskClass, verdict: Verdict, *, misfire: bool) -> float:
    """The cost of one command whose truth is known: the expected costs of ``Policy.rule`` with P at 0 or 1."""
    costs = policy.classes[risk]
    if verdict is Verdict.BLOCK:
        return 0.0 if misfire else costs.denial
    if verdict is Verdict.ALLOW or not costs.methods:
        return costs.harm if misfire else 0.0
    way = policy.methods[policy.methods_for(risk, policy.base_rate)[0]]
    return way.friction + (costs.harm * way.leak if misfire else 0.0)
