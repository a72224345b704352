from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from detector.contracts.decisions import RiskClass
from detector.contracts.rules import Rule, RuleAct
from streams.operations.doctor import _not_in
from streams.operations.rules_check import check_rules, known_to
from tests.detector.builders import START
from tests.detector.rules import rule

RULES = {
    "r1": rule(),
    "r2": rule(rule_id="r2", expires=START + timedelta(days=1)),
}
READ_ONLY = {"act": RuleAct.CLASSIFY, "risk_class": RiskClass.READ_ONLY}
NOW = START + timedelta(days=2)


@pytest.mark.parametrize(
    ("rules", "workers", "ok", "said"),
    [
        (None, {}, False, "misfire.rules is missing, so no rule applies"),
        ({}, {"a": 0}, True, "there are no rules"),
        (RULES, {"a": 2, "b": 2}, True, "knows the 2 rules (2 block; 1 expired)"),
        (RULES, {"a": 2, "b": 1}, False, "has 2 rules, but the worker at b knows 1"),
        (RULES, {"a": None}, False, "the worker at a knows no rules: upgrade it"),
        ({}, {"a": None}, True, "there are no rules"),
    ],
)
def test_every_worker_must_know_every_rule(
    rules: dict[str, Rule] | None, workers: dict[str, int | None], ok: bool, said: str
) -> None:
    found = check_rules(rules, workers, NOW)

    assert (found.ok, said in found.text) == (ok, True), found.text


def test_the_rules_of_a_worker_are_read_from_its_metrics() -> None:
    samples = [
        SimpleNamespace(name="misfire_rules", value=2.0),
        SimpleNamespace(name="misfire_rules", value=1.0),
        SimpleNamespace(name="other", value=9.0),
    ]

    assert known_to(samples) == 3
    assert known_to(samples[2:]) is None


def test_an_intent_that_a_rule_classifies_for_every_tenant_is_not_reported() -> None:
    made = [
        rule(intent="a.B", **READ_ONLY),
        rule(rule_id="r2", intent="a.C", tenant="acme", **READ_ONLY),
        rule(rule_id="r3", intent="a.D"),
    ]

    assert _not_in({"a.B": 1, "a.C": 2, "a.D": 3}, made) == {"a.C": 2, "a.D": 3}
