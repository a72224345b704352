"""What recent decisions would be under a changed policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from detector.contracts.decisions import RiskClass, Verdict
from detector.decision.under_policy import verdict_under
from detector.policy.policy import Policy
from streams.desk.rows import Row

__all__ = ["ClassChange", "DryRun", "dry_run"]

#: Decisions that the page lists.
_LISTED = 10


@dataclass(frozen=True, slots=True)
class ClassChange:
    """The commands of a risk class by verdict, before and after."""

    risk: RiskClass
    commands: int
    before: Counter[Verdict]
    after: Counter[Verdict]


@dataclass(frozen=True, slots=True)
class DryRun:
    """The result.

    Attributes:
        commands: recent judged commands.
        reproduced: how many of them the policy before gives the verdict that they really had.
        changed: how many have another verdict after.
        classes: the counts of each risk class with commands.
        examples: the latest decisions that change, each with the verdict after.
    """

    commands: int
    reproduced: int
    changed: int
    classes: tuple[ClassChange, ...]
    examples: tuple[tuple[Row, Verdict], ...]


def dry_run(rows: Sequence[Row], before: Policy, after: Policy) -> DryRun:
    """Compare two policies on recent decisions.

    Args:
        rows: decisions, the latest first.
        before: the policy that made them.
        after: the changed policy.
    """
    classes = {risk: ClassChange(risk, 0, Counter(), Counter()) for risk in RiskClass}
    counts, total = Counter[RiskClass](), Counter[str]()
    examples: list[tuple[Row, Verdict]] = []
    for row in rows:
        decision = row.decision
        first = verdict_under(decision, before, base_rate=before.base_rate)
        second = verdict_under(decision, after, base_rate=before.base_rate)
        if first is None or second is None:
            continue
        total["reproduced"] += first is decision.verdict
        total["changed"] += first is not second
        counts[decision.risk_class] += 1
        classes[decision.risk_class].before[first] += 1
        classes[decision.risk_class].after[second] += 1
        if first is not second and len(examples) < _LISTED:
            examples.append((row, second))
    return DryRun(
        commands=counts.total(),
        reproduced=total["reproduced"],
        changed=total["changed"],
        classes=tuple(
            ClassChange(risk, counts[risk], each.before, each.after)
            for risk, each in classes.items()
            if counts[risk]
        ),
        examples=tuple(examples),
    )
