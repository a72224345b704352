"""The list of rules at the desk, and the removal of one."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from detector.contracts.decisions import Verdict
from detector.contracts.rules import Rule, RuleAct
from streams.desk import rule_list_pages
from streams.desk.queries import Queries
from streams.desk.rule_list import commands_to_try, grouped
from streams.errors import DependencyUnavailable
from streams.wire.records import REMOVED_BY, REMOVED_WHY
from tests.detector.builders import START, policy
from tests.detector.rules import rule
from tests.streams.desk.desk import ACME, BOLT, Desk, desk_of_a_tenant
from tests.streams.lifecycle.rule_topic import RuleTopic

NOW = START + timedelta(days=1)
OURS = rule(rule_id="ours", tenant="acme", household_id=ACME, intent="messages.*", why="asked")
THEIRS = rule(rule_id="theirs", tenant="bolt", household_id=BOLT)
EVERYWHERE = rule(rule_id="everywhere", act=RuleAct.CONFIRM)
ENDED = rule(rule_id="ended", tenant="acme", expires=START + timedelta(hours=1))


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> RuleTopic:
    found = RuleTopic(monkeypatch)
    found.add(OURS, THEIRS, EVERYWHERE, ENDED)
    return found


@pytest.fixture
def desk(topic: RuleTopic, tmp_path: Path) -> Desk:  # noqa: ARG001 - replaces the topic
    return desk_of_a_tenant(tmp_path)


def remove(desk: Desk, name: str, why: str = "it is over") -> Any:
    form = {"csrf": desk.csrf(), "rule": name, "why": why}
    return desk.client.post("/desk/rules/remove", data=form, headers={"x-desk": "1"})


def listed(desk: Desk, **query: str) -> str:
    text: str = desk.client.get("/desk/rules", params=query).text
    return text


def test_the_rules_of_the_tenant_and_of_every_tenant_are_listed(desk: Desk) -> None:
    text = " ".join(listed(desk).split())

    for shown in ("Every tenant", "Tenant acme, household acme_00000000…", "of ops", "asked"):
        assert shown in text
    assert "theirs" not in text
    assert "bolt" not in text
    assert "Matches 3, would have changed <strong>2</strong>, decided on 0." in text
    assert f"/desk/decision?household={ACME}&amp;event=e2" in text
    assert text.count('value="ours"') == text.count('value="ended"') == 1
    # A rule of every tenant is shown, but not removed by one of them.
    assert 'id="rule-everywhere"' in text
    assert 'value="everywhere"' not in text
    assert text.count(">expired<") == 1


def test_the_list_can_be_of_one_household(desk: Desk) -> None:
    text = listed(desk, household=ACME)

    assert 'id="rule-ours"' in text
    assert 'id="rule-ended"' not in text
    assert "There are no rules of this household" in listed(desk, household="<b>")


def test_a_removal_is_recorded_and_listed(
    desk: Desk, topic: RuleTopic, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = remove(desk, "ours")

    assert (answer.status_code, "stops applying the rule ours" in answer.text) == (200, True)
    removal = topic.held[-1]
    headers = dict(removal.headers)
    assert (removal.key, removal.value, headers[REMOVED_WHY]) == (b"ours", None, b"it is over")
    by = headers[REMOVED_BY].decode()
    assert {"rule_id": "ours", "act": "block", "token": by} in [
        getattr(line, "fields", None) for line in caplog.records
    ]
    assert 'id="rule-ours"' not in listed(desk)
    text = " ".join(listed(desk, removed="on").split())
    assert f"removed by {by} on" in text
    assert "it is over" in text


@pytest.mark.parametrize(
    ("name", "why", "status"),
    [
        ("theirs", "x", 404),
        ("everywhere", "x", 404),
        ("none", "x", 404),
        ("ours", "", 422),
        ("ours", "x" * 201, 422),
    ],
)
def test_a_refused_removal_changes_nothing(
    desk: Desk, topic: RuleTopic, name: str, why: str, status: int
) -> None:
    before = len(topic.held)

    assert remove(desk, name, why).status_code == status
    assert len(topic.held) == before


def test_a_missing_topic_is_reported(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise DependencyUnavailable("no broker answers")

    for name in ("read_rules", "remove_rule"):
        monkeypatch.setattr(rule_list_pages, name, missing)

    assert "no broker answers" in listed(desk)
    assert remove(desk, "ours").status_code == 503


def test_a_rule_is_tried_on_the_models_verdict(desk: Desk) -> None:
    """Otherwise a rule in force would seem to change nothing."""
    commands = Queries(desk.index, "acme").commands(100)
    blocked = [
        (replace(each, verdict=Verdict.BLOCK, model_verdict=each.verdict, rule="ours"), device)
        for each, device in commands
    ]
    made: dict[str, Rule] = {"ours": OURS}

    (group,) = grouped(made, blocked, policy(), decided={"ours": 2}, removable=(), now=NOW)
    (found,) = group.rules

    assert (found.tried.changed, found.decided, found.removable) == (2, 2, False)


def test_decisions_that_a_rule_changed_are_counted(desk: Desk) -> None:
    queries = Queries(desk.index, "acme")
    (first, *_) = queries.recent(1)
    desk.index.add_decision(replace(first.decision, event_id="new", rule="ours"), 2e9)
    other = replace(first.decision, household_id=BOLT, event_id="new", rule="theirs")
    desk.index.add_decision(other, 2e9)

    assert queries.changed_by_rules() == {"ours": 1}


def test_many_rules_are_tried_on_fewer_commands() -> None:
    assert [commands_to_try(number) for number in (0, 1, 200, 1_000)] == [5_000, 5_000, 2_000, 400]


def test_a_command_has_its_device(desk: Desk) -> None:
    (_, device), *_ = Queries(desk.index, "acme").commands(1)

    assert device == "d1"
