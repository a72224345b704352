"""What a mistake costs, and the verdict that costs least. ``policy_text.py`` reads a policy from its text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate

from detector.decisions import ConfirmMethod, Enforcement, RiskClass, Verdict

__all__ = ["ClassPolicy", "MethodPolicy", "Policy", "Ruling"]


@dataclass(frozen=True, slots=True)
class MethodPolicy:
    """What a way of asking costs somebody who meant it, and the chance that a misfire passes it, in [0, 1]."""

    friction: float
    leak: float


@dataclass(frozen=True, slots=True)
class ClassPolicy:
    """One risk class: costs in the policy's units, budget as a share of meant commands, fallback without a verdict."""

    harm: float
    denial: float
    budget: float
    fallback: Verdict
    methods: tuple[ConfirmMethod, ...]


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict of least expected cost, and the methods to confirm with, the cheapest first."""

    verdict: Verdict
    cost: float
    methods: tuple[ConfirmMethod, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Costs per risk class, which intent is of which class, and what holds for all of them."""

    text: str
    version: str
    base_rate: float
    enforcement: Enforcement
    undo_window_seconds: float
    methods: Mapping[ConfirmMethod, MethodPolicy]
    classes: Mapping[RiskClass, ClassPolicy]
    patterns: tuple[tuple[str, RiskClass], ...]
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # One expression for all patterns, a group each, the first of them first: every event is looked up.
        groups = "|".join(f"({translate(pattern)})" for pattern, _ in self.patterns)
        object.__setattr__(self, "_pattern", re.compile(groups))

    def risk_class(self, intent: str) -> RiskClass:
        """Return the class of the first pattern that matches; ``parse_policy`` made sure that one does."""
        found = self._pattern.match(intent)
        if found is None or found.lastindex is None:
            raise AssertionError("the last pattern is '*', which matches everything")
        return self.patterns[found.lastindex - 1][1]

    def rule(self, risk: RiskClass, misfire_probability: float) -> Ruling:
        """Choose the verdict of least expected cost (minimum-risk decision; Berger 1985, section 1.3)."""
        costs = self.classes[risk]
        methods = self.methods_for(risk, misfire_probability)
        ways = [
            (misfire_probability * costs.harm, 0, Verdict.ALLOW),
            ((1 - misfire_probability) * costs.denial, 2, Verdict.BLOCK),
        ]
        if methods:
            ways.append((self._confirm_cost(risk, methods[0], misfire_probability), 1, Verdict.CONFIRM))
        cost, _, verdict = min(ways)
        return Ruling(verdict, cost, methods)

    def methods_for(self, risk: RiskClass, misfire_probability: float) -> tuple[ConfirmMethod, ...]:
        """Return the class's ways of asking, the one of least expected cost first."""
        return tuple(
            sorted(
                self.classes[risk].methods,
                key=lambda method: self._confirm_cost(risk, method, misfire_probability),
            )
        )

    def _confirm_cost(self, risk: RiskClass, method: ConfirmMethod, misfire_probability: float) -> float:
        way = self.methods[method]
        return way.friction + misfire_probability * self.classes[risk].harm * way.leak
