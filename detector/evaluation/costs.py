"""The cost of a decision rule in the policy's units, per 1,000 commands at its base rate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import MILD, Decision, RiskClass, Verdict
from detector.evaluation.reliability import prior_weights
from detector.policy.policy import Policy

__all__ = ["WAYS", "cost_per_thousand", "decision_cost", "questions_per_thousand"]

#: Classes that today's assistants confirm, whatever the chain.
_ASKED_TODAY = frozenset({RiskClass.PRIVATE_OUTBOUND, RiskClass.PURCHASE})

#: The name of our own decisions among the rules.
OURS = "misfire"
#: Decision rules that depend only on our own decision.
WAYS: Mapping[str, Callable[[Decision], Verdict]] = {
    OURS: lambda decision: decision.verdict,
    "always allow": lambda _: Verdict.ALLOW,
    "ask for outbound and purchases": lambda decision: (
        Verdict.CONFIRM if decision.risk_class in _ASKED_TODAY else Verdict.ALLOW
    ),
    "ask about every harmful command": lambda decision: (
        Verdict.ALLOW if decision.risk_class in MILD else Verdict.CONFIRM
    ),
}


def cost_per_thousand(
    decisions: Sequence[Decision],
    misfires: npt.NDArray[np.bool_],
    policy: Policy,
    ways: Mapping[str, Callable[[Decision], Verdict]] = WAYS,
    *,
    base_rate: float | None = None,
) -> dict[str, float]:
    """Return the cost of each decision rule; lower is better.

    Args:
        decisions: the decisions on (n,) committed chains.
        misfires: (n,) which of them are misfires, with at least one of each.
        policy: the policy that defines the costs.
        ways: decision rules by name; each returns its verdict in place of our decision.
        base_rate: share of misfires among commands; the policy's by default.
    """
    weights = prior_weights(misfires, policy.base_rate if base_rate is None else base_rate)
    return {
        name: 1000.0
        * sum(
            weight
            * _cost(policy, decision, way(decision), ours=name == OURS, misfire=bool(misfire))
            for weight, decision, misfire in zip(weights.tolist(), decisions, misfires, strict=True)
        )
        for name, way in ways.items()
    }


def decision_cost(policy: Policy, decision: Decision, *, misfire: bool) -> float:
    """Return the cost of a decision on a command that is known to be a misfire or meant."""
    return _cost(policy, decision, decision.verdict, ours=True, misfire=misfire)


def questions_per_thousand(
    decisions: Sequence[Decision], misfires: npt.NDArray[np.bool_], policy: Policy
) -> float:
    """Return the number of questions per 1,000 commands at the policy's base rate.

    A repeated question counts once.

    Args:
        decisions: the decisions on (n,) committed chains, in order.
        misfires: (n,) which of them are misfires, with at least one of each.
        policy: the policy that supplies the base rate.
    """
    weights, put, asked = prior_weights(misfires, policy.base_rate), set[str](), 0.0
    for weight, decision in zip(weights.tolist(), decisions, strict=True):
        question = decision.confirm.confirmation_id if decision.confirm else None
        if question is not None and question not in put:
            put.add(question)
            asked += weight
    return 1000.0 * asked


def _cost(
    policy: Policy, decision: Decision, verdict: Verdict, *, ours: bool, misfire: bool
) -> float:
    """Return the cost of one labelled command: the expected cost of ``Policy.rule`` with P 0 or 1.

    Our own decision uses the first method that it offers. The other rules know nothing about the
    case and use the best method at the base rate.
    """
    offered = decision.confirm.methods if ours and decision.confirm else ()
    methods = offered or policy.methods_for(decision.risk_class, policy.base_rate)
    harm = policy.harm_of(decision.intent, decision.risk_class)
    return policy.cost(decision.risk_class, verdict, misfire=misfire, methods=methods, harm=harm)
