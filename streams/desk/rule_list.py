"""The rules as the desk lists them: who made each, where it applies, and what it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from detector.contracts.decisions import Decision, verdict_of_model
from detector.contracts.rules import Rule
from detector.policy.policy import Policy
from streams.lifecycle.rules_dry_run import DryRun, dry_runs

__all__ = ["MOST_SHOWN", "Group", "ListedRule", "commands_to_try", "grouped"]

#: Rules that a page lists.
MOST_SHOWN = 200
#: Recent commands on which rules are tried, and pairs of a rule and a command: about a second.
_MOST_COMMANDS, _MOST_PAIRS = 5_000, 400_000


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule of the list.

    Attributes:
        rule: the rule.
        tried: what it would have changed in recent commands if it had been the only rule.
        decided: how many recent decisions it did change or classify.
        expired: whether it does nothing any more.
        removable: whether the caller may remove it.
    """

    rule: Rule
    tried: DryRun
    decided: int
    expired: bool
    removable: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The rules of one tenant and household; an empty name stands for all of them."""

    tenant: str
    household: str
    rules: Sequence[ListedRule]


def commands_to_try(rules: int) -> int:
    """Return on how many recent commands a number of rules can be tried."""
    return min(_MOST_COMMANDS, _MOST_PAIRS // max(rules, 1))


def grouped(
    rules: Mapping[str, Rule],
    commands: Iterable[tuple[Decision, str | None]],
    policy: Policy,
    *,
    decided: Mapping[str, int],
    removable: Iterable[str],
    now: datetime,
) -> list[Group]:
    """Return the rules by tenant and household, those for all of them first.

    Args:
        rules: the rules by id.
        commands: recent decisions on commands, the latest first, each with its device if known.
        policy: the policy to try the rules with.
        decided: the number of recent decisions that each rule changed or classified.
        removable: the ids of the rules that the caller may remove.
        now: the present time.
    """
    # The decisions may have been changed by these rules; each is tried on the model's verdict.
    judged = (
        (replace(each, verdict=verdict_of_model(each), model_verdict=None), device)
        for each, device in commands
    )
    tried, may = dry_runs(judged, rules, policy), set(removable)
    groups: dict[tuple[str, str], list[ListedRule]] = {}
    for name, rule in sorted(rules.items(), key=lambda each: (each[1].created, each[0])):
        groups.setdefault((rule.tenant, rule.household_id or ""), []).append(
            ListedRule(
                rule,
                tried[name],
                decided.get(name, 0),
                rule.expires is not None and rule.expires <= now,
                name in may,
            )
        )
    return [Group(*place, listed[::-1]) for place, listed in sorted(groups.items())]
