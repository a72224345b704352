"""A snooze and a classification at the desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from detector.contracts.decisions import Reason, RiskClass
from detector.contracts.rules import Rule, RuleAct
from detector.policy.unclassified import UNCLASSIFIED
from streams.desk import rule_pages
from streams.desk.queries import Queries
from streams.errors import DependencyUnavailable
from tests.streams.desk.desk import ACME, Desk, desk_of_every_tenant

INTENT = "lights.TurnOn"


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> list[Rule]:
    found: list[Rule] = []
    monkeypatch.setattr(rule_pages, "add_rule", lambda _, rule: found.append(rule))
    return found


@pytest.fixture
def desk(rules: list[Rule]) -> Desk:  # noqa: ARG001 - replaces the function
    """Return a desk with a mild decision ``mild``, and one ``new`` whose intent is unclassified."""
    found = desk_of_every_tenant()
    turn = Queries(found.index, None).turn(ACME, "e12")
    assert turn is not None
    mild = replace(
        turn.row.decision, event_id="mild", intent=INTENT, risk_class=RiskClass.REVERSIBLE
    )
    unknown = Reason(code=UNCLASSIFIED, event_id="new", bits=0.0, text="No rule names it.")
    found.index.add_decision(mild, 2e9)
    found.index.add_decision(replace(mild, event_id="new", reasons=(unknown,)), 2e9)
    return found


def post(desk: Desk, act: str, event: str, **form: str) -> Any:
    given = {"csrf": desk.csrf(), "household": ACME, "event": event}
    return desk.client.post(f"/desk/{act}", data=given | form, headers={"x-desk": "1"})


def shown(desk: Desk, event: str) -> str:
    text: str = desk.client.get(f"/desk/decision?household={ACME}&event={event}").text
    return text


def test_a_snooze_ends_and_has_an_owner_and_a_reason(desk: Desk, rules: list[Rule]) -> None:
    assert 'data-key="z"' in shown(desk, "mild")

    answer = post(desk, "snooze", "mild")
    assert answer.status_code == 200
    assert f"{INTENT} runs in this household until" in answer.text
    assert post(desk, "snooze", "mild", hours="24", why="a party").status_code == 200

    first, second = rules
    assert (first.act, first.intent, first.household_id) == (RuleAct.SNOOZE, INTENT, ACME)
    assert first.why == "reviewed at the desk"
    assert first.owner == second.owner
    assert first.expires == first.created + timedelta(hours=4)
    assert (second.why, second.expires) == ("a party", second.created + timedelta(hours=24))


@pytest.mark.parametrize("hours", ["0", "25", "-1", "x", "4.0"])
def test_a_snooze_lasts_as_long_as_a_rule_may(desk: Desk, rules: list[Rule], hours: str) -> None:
    assert post(desk, "snooze", "mild", hours=hours).status_code == 422
    assert not rules


def test_a_grave_command_cannot_be_snoozed(desk: Desk, rules: list[Rule]) -> None:
    assert 'data-key="z"' not in shown(desk, "e12")
    assert post(desk, "snooze", "e12").status_code == 422
    assert not rules


def test_an_unclassified_intent_gets_a_class(desk: Desk, rules: list[Rule]) -> None:
    assert 'data-key="c"' in shown(desk, "new")
    assert 'data-key="c"' not in shown(desk, "mild")

    assert post(desk, "classify", "new").status_code == 422
    assert post(desk, "classify", "mild", risk_class="read_only").status_code == 422
    answer = post(desk, "classify", "new", risk_class="read_only", why="the manual")

    assert (answer.status_code, f"{INTENT} is read_only" in answer.text) == (200, True)
    (rule,) = rules
    assert (rule.act, rule.intent, rule.risk_class) == (
        RuleAct.CLASSIFY,
        INTENT,
        RiskClass.READ_ONLY,
    )
    assert (rule.household_id, rule.why) == (None, "the manual")


def test_a_decision_that_is_not_there_makes_no_rule(desk: Desk, rules: list[Rule]) -> None:
    assert post(desk, "snooze", "other").status_code == 404
    assert not rules


def test_a_missing_broker_is_reported(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> None:
        raise DependencyUnavailable("no broker answers")

    monkeypatch.setattr(rule_pages, "add_rule", missing)

    answer = post(desk, "snooze", "mild")
    assert (answer.status_code, answer.text) == (503, "no broker answers")
