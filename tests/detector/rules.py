"""Builds rules with defaults."""

from __future__ import annotations

from typing import Any

from detector.contracts.rules import Rule, RuleAct
from detector.decision.rule_set import RuleSet
from tests.detector.builders import START

__all__ = ["rule", "rule_set"]


def rule(**fields: Any) -> Rule:
    """Return a rule that blocks every command, with the given fields."""
    defaults: dict[str, Any] = {
        "rule_id": "r1",
        "act": RuleAct.BLOCK,
        "owner": "ops",
        "why": "a test",
        "created": START,
    }
    return Rule(**(defaults | fields))


def rule_set(*rules: Rule) -> RuleSet:
    """Return the set of rules that all concern a household."""
    return RuleSet.of(rules)
