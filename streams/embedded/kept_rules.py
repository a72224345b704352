"""The rules in a household file, which apply like those of ``misfire.rules``."""

from __future__ import annotations

import time
from pathlib import Path

from detector.contracts.errors import InvalidValue
from detector.contracts.notes import check_note
from detector.contracts.rules import MAX_RULES, Rule
from streams.embedded.opened import opened
from streams.errors import RecordError

__all__ = ["add_rule_in_file", "remove_rule_in_file", "rules_in_file"]


def rules_in_file(path: Path) -> dict[str, Rule]:
    """Return the rules of a household file by id, expired ones too.

    Raises:
        DependencyUnavailable, UsageError: the file cannot be used.
    """
    with opened(path) as transaction:
        return dict(transaction.rules().rules)


def add_rule_in_file(path: Path, rule: Rule) -> None:
    """Add a rule to a household file. A running hook applies it to the next decision.

    Raises:
        DependencyUnavailable, UsageError: the file cannot be used.
        RecordError: with code ``schema`` if the rule's id is in use or the rule names a tenant, or
            ``too_many_rules``.
    """
    with opened(path) as transaction:
        known = transaction.rules().rules
        if rule.tenant:
            raise RecordError("schema", "a household file has no tenants; leave out tenant")
        if rule.rule_id in known:
            raise RecordError("schema", f"there is a rule {rule.rule_id}; remove it first")
        if len(known) >= MAX_RULES:
            raise RecordError("too_many_rules", f"there are {MAX_RULES:,} rules; remove some first")
        transaction.add_rule(rule)


def remove_rule_in_file(path: Path, rule_id: str, *, by: str, why: str) -> Rule:
    """Remove a rule from a household file, and return it.

    Who removed it and why is kept as long as the records of the file.

    Raises:
        DependencyUnavailable, UsageError: the file cannot be used.
        RecordError: with code ``unknown_rule`` or ``schema``.
    """
    try:
        check_note("why", why)
    except InvalidValue as error:
        raise RecordError("schema", str(error)) from None
    with opened(path) as transaction:
        found = transaction.rules().rules.get(rule_id)
        if found is None:
            raise RecordError("unknown_rule", "there is no rule with this id")
        transaction.remove_rule(rule_id, at=time.time(), by=by, why=why)
    return found
