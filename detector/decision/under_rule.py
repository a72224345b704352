"""What an earlier decision would be under one more rule, from what the decision itself says."""

from __future__ import annotations

from dataclasses import replace

from detector.contracts.decisions import MILD, Decision, Verdict, verdict_of_model
from detector.contracts.rules import Rule, RuleAct
from detector.decision.overruling import strictest_act, strictest_rule, verdict_under_rule
from detector.decision.under_policy import verdict_under
from detector.policy.policy import Policy
from detector.policy.unclassified import UNCLASSIFIED, is_unclassified

__all__ = ["verdict_with"]


def verdict_with(decision: Decision, rule: Rule, policy: Policy) -> Verdict:
    """Return the verdict that a decision would have if a rule had matched it as well.

    For a rule to classify, it is an approximation: the p-value was computed for the class that the
    policy gives to intents without a rule (``under_policy.py``).
    """
    if rule.act is RuleAct.CLASSIFY:
        return _classified(decision, rule, policy)
    model, risk = verdict_of_model(decision), decision.risk_class
    if strictest_rule([rule], risk) is None:
        return decision.verdict
    after = verdict_under_rule(rule, model, risk, policy)
    # Another rule may have decided already, and the strictest one wins.
    if after is model or strictest_act(_act_in(decision), rule.act) is not rule.act:
        return decision.verdict
    return after


def _act_in(decision: Decision) -> RuleAct | None:
    """Return what the rule does that changed a decision's verdict."""
    if decision.model_verdict is None:
        return None
    codes = {f"rule_{act}": act for act in RuleAct if act is not RuleAct.CLASSIFY}
    return next((codes[each.code] for each in decision.reasons if each.code in codes), None)


def _classified(decision: Decision, rule: Rule, policy: Policy) -> Verdict:
    if rule.risk_class is None or decision.rule is not None or not is_unclassified(decision):
        return decision.verdict
    kept = tuple(each for each in decision.reasons if each.code != UNCLASSIFIED)
    unknown = any(each.code == "unknown_intent" for each in kept)
    classified = replace(
        decision,
        risk_class=rule.risk_class,
        reasons=kept,
        # Only a command that can do harm must be known.
        abstained=decision.abstained and not (unknown and rule.risk_class in MILD),
    )
    return verdict_under(classified, policy, base_rate=policy.base_rate) or decision.verdict
