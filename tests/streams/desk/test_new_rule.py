"""A new rule at the desk is tried on the log and added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from detector.contracts.decisions import RiskClass, Verdict
from detector.contracts.rules import Rule, RuleAct
from streams.desk import new_rule_pages
from streams.errors import DependencyUnavailable, RecordError
from streams.lifecycle.rules_dry_run import DryRun, Example
from streams.wire.records import RULE
from tests.detector.builders import START
from tests.streams.desk.desk import ACME, BOLT, Desk, desk_of_a_tenant
from tests.streams.lifecycle.rule_topic import RuleTopic

BLOCK = {"act": "block", "intent": "messages.*"}


class Trials:
    """Dry runs that were asked for, each as a rule and a period."""

    def __init__(self) -> None:
        self.asked: list[tuple[Rule, str]] = []
        self.found = DryRun(commands=1234, matched=2, changed=1, oldest=START)
        self.found.before[Verdict.ALLOW] = self.found.after[Verdict.BLOCK] = 1
        self.found.examples.append(
            Example(
                "e2",
                ACME,
                "messages.SendMessage",
                RiskClass.PRIVATE_OUTBOUND,
                Verdict.ALLOW,
                Verdict.BLOCK,
            )
        )

    def __call__(self, _: Any, rule: Rule, __: Any, since: str) -> DryRun:
        self.asked.append((rule, since))
        return self.found


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> Trials:
    found = Trials()
    monkeypatch.setattr(new_rule_pages, "tried", found)
    return found


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> RuleTopic:
    return RuleTopic(monkeypatch)


@pytest.fixture
def desk(topic: RuleTopic, tmp_path: Path) -> Desk:  # noqa: ARG001 - replaces the topic
    return desk_of_a_tenant(tmp_path)


def post(desk: Desk, path: str, /, **form: str) -> Any:
    return desk.client.post(f"/desk/rules/{path}", data={"csrf": desk.csrf()} | form)


def test_a_rule_is_tried_on_seven_days_of_the_log(
    desk: Desk, trials: Trials, topic: RuleTopic
) -> None:
    answer = post(desk, "dry-run", **BLOCK)

    text = " ".join(answer.text.split())
    assert answer.status_code == 200
    assert "Of 1,234 commands in the last 7d, the rule matches 2 and would have changed" in text
    assert f"/desk/decision?household={ACME}&amp;event=e2" in text
    assert "of about" not in text
    assert 'value="messages.*"' in text
    ((rule, since),) = trials.asked
    assert (rule.act, rule.intent, rule.tenant, since) == (
        RuleAct.BLOCK,
        "messages.*",
        "acme",
        "7d",
    )
    assert not topic.held


def test_a_cut_is_said(desk: Desk, trials: Trials) -> None:
    trials.found.complete = False
    trials.found.records, trials.found.logged = 200_000, 9_000_000

    text = " ".join(post(desk, "dry-run", since="30d", **BLOCK).text.split())

    assert "200,000 of about 9,000,000 decisions of this time were read" in text
    assert f"the oldest of {START:%Y-%m-%d %H:%M} UTC" in text
    assert trials.asked[0][1] == "30d"


def test_a_dry_run_needs_no_end(desk: Desk, trials: Trials) -> None:
    assert post(desk, "dry-run", act="snooze").status_code == 200

    assert trials.asked[0][0].expires is not None


def test_a_rule_is_added_with_its_owner_reason_and_end(desk: Desk, topic: RuleTopic) -> None:
    form = {"act": "allow", "intent": "lights.*", "for": "12h", "why": "a party"}
    answer = post(desk, "add", **form, household_id=ACME, device_id="hall")

    assert answer.status_code == 200
    assert "applies the rule" in answer.text
    (listed,) = read(topic)
    assert (listed.tenant, listed.household_id, listed.device_id) == ("acme", ACME, "hall")
    assert (listed.owner != "", listed.why) == (True, "a party")
    assert listed.expires is not None
    assert listed.expires - listed.created < timedelta(hours=12)
    assert listed.expires > datetime.now(UTC) + timedelta(hours=11)


def read(topic: RuleTopic) -> list[Rule]:
    return [RULE.decode(each.value) for each in topic.held]


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"why": ""}, 422, "missing or invalid: why"),
        ({"act": "burn"}, 422, "missing or invalid: act"),
        ({"act": "snooze"}, 422, "expires is required"),
        ({"for": "soon"}, 422, "for soon: write a number and a unit"),
        ({"act": "classify", "risk_class": "purchase"}, 422, "intent must be one intent"),
        ({"household_id": BOLT}, 403, "this token"),
        ({"tenant": "bolt"}, 403, "tenant must be acme"),
    ],
)
def test_a_refused_rule_keeps_what_was_typed(
    desk: Desk, topic: RuleTopic, form: dict[str, str], status: int, said: str
) -> None:
    answer = post(desk, "add", **({"why": "a test"} | BLOCK | form))

    assert (answer.status_code, said in answer.text) == (status, True)
    assert 'value="messages.*"' in answer.text
    assert not topic.held


def test_the_log_is_read_once_at_a_time_and_may_be_missing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> None:
        raise RecordError("busy", "the log is being read already")

    def missing(*_: Any) -> None:
        raise DependencyUnavailable("no broker answers")

    for fails, said in ((busy, "being read already"), (missing, "no broker answers")):
        monkeypatch.setattr(new_rule_pages, "tried", fails)
        answer = post(desk, "dry-run", **BLOCK)
        assert (answer.status_code, said in answer.text) == (503, True)


def test_a_rule_of_the_list_fills_the_form_in(desk: Desk) -> None:
    assert post(desk, "add", why="a test", **BLOCK).status_code == 200
    text = desk.client.get("/desk/rules").text
    (query,) = [
        each.partition('"')[0].replace("&amp;", "&")
        for each in text.split('href="/desk/rules/new?')[1:]
    ]

    form = desk.client.get(f"/desk/rules/new?{query}").text

    assert 'value="messages.*"' in form
    assert "<option selected>block</option>" in form
    assert 'name="tenant"' not in form
