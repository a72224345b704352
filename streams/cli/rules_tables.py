"""The tables of ``misfire rules``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streams.cli.output import note, table

if TYPE_CHECKING:
    from detector.contracts.rules import Rule
    from streams.lifecycle.rule_log import Removal
    from streams.lifecycle.rules_dry_run import DryRun

__all__ = ["described", "note_incomplete", "show_dry_run", "show_removed", "show_rules"]


def show_rules(rules: Sequence[Rule]) -> None:
    """Print rules."""
    now = datetime.now(UTC)
    table(
        "rules",
        ["rule", "does", "intent", "where", "until", "owner", "why"],
        [
            [
                rule.rule_id,
                _does(rule),
                rule.intent,
                _where(rule),
                _until(rule, now),
                rule.owner,
                rule.why,
            ]
            for rule in rules
        ],
    )


def show_removed(removed: Sequence[Removal]) -> None:
    """Print rules that were removed."""
    table(
        "removed rules, the latest first",
        ["rule", "did", "intent", "where", "removed by", "on", "why"],
        [
            [
                each.rule.rule_id,
                _does(each.rule),
                each.rule.intent,
                _where(each.rule),
                each.by,
                each.time.isoformat(timespec="seconds"),
                each.why,
            ]
            for each in removed
        ],
    )


def described(rule: Rule) -> str:
    """Return a rule on one line."""
    return f"rule {rule.rule_id}: {_does(rule)} {rule.intent}, {_where(rule)}"


def show_dry_run(found: DryRun, since: str) -> None:
    """Print what a rule would have changed."""
    note(
        f"of {found.commands:,} commands in the last {since}, the rule matches {found.matched:,} "
        f"and would have changed {found.changed:,}"
    )
    table(
        "commands that it matches",
        ["verdict", "before", "after"],
        [
            [verdict, f"{found.before.get(verdict, 0):,}", f"{found.after.get(verdict, 0):,}"]
            for verdict in sorted({*found.before, *found.after})
        ],
    )
    if found.examples:
        table(
            "examples, the latest first",
            ["event", "household", "intent", "class", "before", "after"],
            [
                [
                    each.event_id,
                    each.household_id,
                    each.intent,
                    each.risk_class,
                    each.before,
                    each.after,
                ]
                for each in found.examples
            ],
        )
    if not found.complete and found.oldest is not None:
        note(
            f"{found.records:,} of about {found.logged:,} decisions of this time were read, the "
            f"oldest of {found.oldest.isoformat(timespec='seconds')}"
        )


def note_incomplete(*, complete: bool) -> None:
    """Say that not all records were read, if so."""
    if not complete:
        note("only a part of the records of this time was read; shorten it with --since")


def _does(rule: Rule) -> str:
    return f"{rule.act} as {rule.risk_class}" if rule.risk_class else str(rule.act)


def _where(rule: Rule) -> str:
    places = [
        f"tenant {rule.tenant}" if rule.tenant else "",
        f"household {rule.household_id}" if rule.household_id else "",
        f"device {rule.device_id}" if rule.device_id else "",
    ]
    return ", ".join(filter(None, places)) or "everywhere"


def _until(rule: Rule, now: datetime) -> str:
    if rule.expires is None:
        return "removed"
    said = rule.expires.isoformat(timespec="seconds")
    return f"{said}, expired" if rule.expires <= now else said
