"""Applies rules to a command: its class before the model judges it, the verdict afterwards.

The strictest matching rule wins. A rule never lets a command of a grave class run: an allow or a
snooze that matches one does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from detector.contracts.decisions import MILD, Decision, Reason, RiskClass, Verdict, severity
from detector.contracts.rules import Rule, RuleAct
from detector.policy.fallback import with_verdict
from detector.policy.intent_rules import Classified
from detector.policy.policy import Policy

__all__ = [
    "classified_by",
    "named_in",
    "overruled",
    "strictest_act",
    "strictest_rule",
    "verdict_under_rule",
]

#: Acts that change a verdict, the mildest first. Both of the first two allow.
_ORDER = (RuleAct.SNOOZE, RuleAct.ALLOW, RuleAct.CONFIRM, RuleAct.BLOCK)
_LIFTING = frozenset({RuleAct.SNOOZE, RuleAct.ALLOW})
_DOES = {
    RuleAct.SNOOZE: "lets it run",
    RuleAct.ALLOW: "lets it run",
    RuleAct.CONFIRM: "requires a confirmation",
    RuleAct.BLOCK: "blocks it",
}


def classified_by(matching: Sequence[Rule], found: Classified) -> tuple[Classified, Rule | None]:
    """Return the class of a command, and the rule that gave it.

    A rule gives a class only to an intent that no rule of the policy names. Of several rules, the
    strictest class counts.
    """
    if found.named:
        return found, None
    giving = [rule for rule in matching if rule.risk_class is not None]
    if not giving:
        return found, None
    rule = max(giving, key=lambda each: severity(each.risk_class or found.risk))
    return Classified(rule.risk_class or found.risk, named=True), rule


def strictest_rule(matching: Sequence[Rule], risk: RiskClass) -> Rule | None:
    """Return the rule that decides on a command of a class; of equally strict ones, the oldest."""
    usable = [
        rule
        for rule in matching
        if rule.act in _ORDER and (risk in MILD or rule.act not in _LIFTING)
    ]
    return max(usable, key=lambda rule: _ORDER.index(rule.act), default=None)


def strictest_act(before: RuleAct | None, act: RuleAct) -> RuleAct:
    """Return the stricter of two acts, ``before`` if they are equally strict."""
    return max((before or act, act), key=_ORDER.index)


def verdict_under_rule(rule: Rule, verdict: Verdict, risk: RiskClass, policy: Policy) -> Verdict:
    """Return the verdict that a rule makes of the model's verdict."""
    if rule.act in _LIFTING:
        return Verdict.ALLOW if risk in MILD else verdict
    if rule.act is RuleAct.BLOCK:
        return Verdict.BLOCK
    return policy.at_least_confirm(risk, verdict) if rule.act is RuleAct.CONFIRM else verdict


def named_in(decision: Decision, rule: Rule) -> Decision:
    """Return a decision on a command whose class a rule gave; its first reason says so."""
    text = (
        f"Rule {rule.rule_id} of {rule.owner} classifies {decision.intent} as "
        f"{decision.risk_class}: {rule.why}"
    )
    return _with_reason(decision, rule, text)


def overruled(decision: Decision, matching: Sequence[Rule], policy: Policy) -> Decision:
    """Return the decision after the rules: unchanged, or with the verdict of the strictest one.

    Args:
        decision: the model's decision, before a question is asked.
        matching: the rules that match the command, the oldest first.
        policy: supplies the confirmation methods, and whether verdicts take effect.
    """
    rule = strictest_rule(matching, decision.risk_class)
    if rule is None:
        return decision
    verdict = verdict_under_rule(rule, decision.verdict, decision.risk_class, policy)
    if verdict is decision.verdict:
        return decision
    probability = decision.misfire_probability
    changed = with_verdict(
        decision, policy, verdict, policy.base_rate if probability is None else probability
    )
    text = f"Rule {rule.rule_id} of {rule.owner} {_DOES[rule.act]}: {rule.why}"
    return replace(_with_reason(changed, rule, text), model_verdict=decision.verdict)


def _with_reason(decision: Decision, rule: Rule, text: str) -> Decision:
    reason = Reason(code=f"rule_{rule.act}", event_id=decision.event_id, bits=0.0, text=text)
    return replace(decision, rule=rule.rule_id, reasons=(reason, *decision.reasons))
