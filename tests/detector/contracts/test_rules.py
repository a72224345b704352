"""Rules are validated once, with every problem named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from detector.contracts.decisions import RiskClass
from detector.contracts.errors import InvalidValue
from detector.contracts.rules import LONGEST, Rule, RuleAct
from tests.detector.builders import START
from tests.detector.rules import rule


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"rule_id": "two words"}, "rule_id"),
        ({"owner": ""}, "owner"),
        ({"device_id": ""}, "device_id"),
        ({"why": " "}, "why"),
        ({"why": "two\nlines"}, "why"),
        ({"intent": "lights"}, "intent"),
        ({"intent": "lights.Turn-On"}, "intent"),
        ({"tenant": "Acme"}, "tenant"),
        ({"tenant": "acme", "household_id": "acmebeta_1"}, "household_id"),
        ({"expires": START}, "expires must be later"),
        ({"act": RuleAct.ALLOW}, "expires is required"),
        ({"act": RuleAct.SNOOZE}, "expires is required"),
        (
            {"act": RuleAct.SNOOZE, "expires": START + timedelta(hours=25)},
            "within 24 hours of created for a rule to snooze",
        ),
        (
            {"act": RuleAct.ALLOW, "expires": START + timedelta(days=91)},
            "within 2,160 hours of created for a rule to allow",
        ),
        ({"risk_class": RiskClass.PHYSICAL}, "risk_class"),
        ({"act": RuleAct.CLASSIFY, "intent": "a.B"}, "risk_class is required"),
        ({"act": RuleAct.CLASSIFY, "risk_class": RiskClass.PHYSICAL}, "without stars"),
        (
            {
                "act": RuleAct.CLASSIFY,
                "intent": "a.B",
                "risk_class": RiskClass.PHYSICAL,
                "household_id": "h1",
            },
            "every household",
        ),
    ],
)
def test_an_invalid_rule_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidValue, match=problem):
        rule(**fields)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InvalidValue) as refused:
        rule(rule_id="", owner="", why="", intent="?", tenant="?", act=RuleAct.ALLOW)

    assert [each.split()[0] for each in str(refused.value).split("; ")] == [
        "rule_id",
        "owner",
        "why",
        "intent",
        "tenant",
        "expires",
    ]


@pytest.mark.parametrize("act", sorted(LONGEST))
def test_an_act_that_can_let_commands_run_may_last_as_long_as_its_limit(act: RuleAct) -> None:
    made = rule(act=act, expires=START + LONGEST[act])

    assert made.expires == START + LONGEST[act]


def test_a_rule_to_block_or_to_confirm_may_last_forever() -> None:
    assert {rule(act=act).expires for act in (RuleAct.BLOCK, RuleAct.CONFIRM)} == {None}


def test_a_household_of_the_tenant_is_accepted() -> None:
    made: Rule = rule(tenant="acme", household_id=f"acme_{'0' * 32}")

    assert made.household_id == f"acme_{'0' * 32}"
