"""Makes, adds and removes rules."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from detector.contracts.errors import InvalidValue
from detector.contracts.notes import check_note
from detector.contracts.rules import MAX_RULES, Rule, RuleAct
from streams.errors import DependencyUnavailable, RecordError
from streams.kafka.connection import Brokers
from streams.kafka.topics import RULES
from streams.lifecycle.rule_log import exists, read_rules
from streams.wire.records import REMOVED_BY, REMOVED_WHY, RULE

__all__ = ["add_rule", "forget_household", "make_rule", "remove_rule"]

#: Hexadecimal digits of a rule's id: people type it.
_DIGITS = 12
#: Seconds for the broker to acknowledge a record.
_ACKNOWLEDGED = 30.0


def make_rule(
    act: RuleAct, *, rule_id: str | None = None, lasts: float | None = None, **fields: Any
) -> Rule:
    """Return a new rule, made now.

    Args:
        act: what it does.
        rule_id: its id; default: a new one.
        lasts: seconds until it expires.
        fields: further fields of the rule.

    Raises:
        RecordError: with code ``schema``; it has a sentence for each problem.
    """
    now = datetime.now(UTC)
    try:
        if lasts is not None:
            fields["expires"] = now + timedelta(seconds=lasts)
        return Rule(rule_id=rule_id or uuid.uuid4().hex[:_DIGITS], act=act, created=now, **fields)
    except InvalidValue as error:
        raise RecordError("schema", str(error)) from None


def add_rule(brokers: Brokers, rule: Rule) -> None:
    """Add a rule, and remove the expired ones of its tenant. Workers apply it within seconds.

    The caller must have checked that ``rule.owner`` may make rules for the tenant and household.

    Raises:
        RecordError: with code ``schema`` if the rule's id is in use, or ``too_many_rules`` if
            the tenant has ``MAX_RULES``.
        DependencyUnavailable: the topic is missing or cannot be read or written.
    """
    every = read_rules(brokers).rules
    if rule.rule_id in every:
        raise RecordError("schema", f"there is a rule {rule.rule_id}; remove it first")
    expired = [
        each.rule_id
        for each in every.values()
        if each.tenant == rule.tenant and each.expires and each.expires <= rule.created
    ]
    ours = sum(each.tenant == rule.tenant for each in every.values())
    if ours - len(expired) >= MAX_RULES:
        raise RecordError("too_many_rules", f"there are {MAX_RULES:,} rules; remove some first")
    removed = dict.fromkeys(expired)
    _write(brokers, {**removed, rule.rule_id: rule}, by=rule.owner, why="expired")


def remove_rule(
    brokers: Brokers,
    rule_id: str,
    *,
    by: str,
    why: str,
    may: Callable[[Rule], bool] = lambda _: True,
) -> Rule:
    """Remove a rule and return it. Headers of the removal keep who removed it, and why.

    ``may`` says whether the caller may remove a rule; to others it does not exist.

    Raises:
        RecordError: with code ``unknown_rule`` or ``schema``.
        DependencyUnavailable: the topic is missing or cannot be read or written.
    """
    try:
        check_note("why", why)
    except InvalidValue as error:
        raise RecordError("schema", str(error)) from None
    found = read_rules(brokers).rules.get(rule_id)
    if found is None or not may(found):
        raise RecordError("unknown_rule", "there is no rule with this id")
    _write(brokers, {rule_id: None}, by=by, why=why)
    return found


def forget_household(brokers: Brokers, household_id: str, *, by: str) -> int:
    """Remove the rules that name a household, after its erasure; return their number.

    Raises:
        DependencyUnavailable: the topic cannot be read or written.
    """
    if not exists(brokers):
        return 0
    rules = read_rules(brokers).rules.values()
    named = [each.rule_id for each in rules if each.household_id == household_id]
    if named:
        _write(brokers, dict.fromkeys(named), by=by, why="the household was erased")
    return len(named)


def _write(brokers: Brokers, records: Mapping[str, Rule | None], *, by: str, why: str) -> None:
    removal = [(REMOVED_BY, by.encode()), (REMOVED_WHY, why.encode())]
    try:
        producer = KafkaProducer(**brokers.options, acks="all")
        try:
            sent = [
                producer.send(
                    RULES,
                    key=name.encode(),
                    value=None if rule is None else RULE.encode(rule),
                    headers=removal
                    if rule is None
                    else RULE.headers(name, datetime.now(UTC), source="misfire/rules"),
                )
                for name, rule in records.items()
            ]
            for each in sent:
                each.get(timeout=_ACKNOWLEDGED)
        finally:
            producer.close()
    except KafkaError as error:
        raise DependencyUnavailable(
            f"the rules could not be written ({type(error).__name__}); check that {RULES} exists"
            " ('misfire topics check')"
        ) from error
