"""``misfire rules`` on a topic in memory and on a household file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from detector.contracts.decisions import RiskClass, Verdict
from streams.cli import rules as command
from streams.cli import rules_trial
from streams.embedded import EmbeddedHook
from streams.errors import UsageError
from streams.kafka.connection import Brokers
from streams.lifecycle import rules_dry_run
from streams.lifecycle.rules_dry_run import DryRun, Example, Unclassified
from tests.detector.builders import START, event, hand_bundle
from tests.streams.lifecycle.rule_topic import RuleTopic

WHY = ("--why", "a test")


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> RuleTopic:
    for module in (command, rules_trial):
        monkeypatch.setattr(module, "reachable_brokers", lambda *_: Brokers("nobody.invalid:9092"))
    return RuleTopic(monkeypatch)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home.db"
    with EmbeddedHook(
        place, bundle=hand_bundle(), allow_unready=True, deadline_ms=60_000, now=START.timestamp
    ) as hook:
        hook.decide(event())
    return place


def run(*arguments: object) -> Any:
    """Run the command and return its JSON."""
    ended = CliRunner().invoke(command.app, [*map(str, arguments), "--json", "-"])
    if ended.exception is not None:
        raise ended.exception
    return json.loads(ended.stdout)


def check_life(*place: object) -> None:
    """Add, list and remove a rule."""
    made = run("add", "block", "--intent", "lights.*", "--device", "d1", *WHY, *place)["rule"]
    assert (made["act"], made["intent"], made["device_id"], made["why"]) == (
        "block",
        "lights.*",
        "d1",
        "a test",
    )
    assert [each["rule_id"] for each in run("list", *place)["rules"]] == [made["rule_id"]]

    removed = run("remove", made["rule_id"], "--by", "ops", *WHY, *place)["removed"]

    assert removed == made
    assert run("list", *place)["rules"] == []


def test_a_rule_is_added_listed_and_removed(topic: RuleTopic) -> None:
    check_life()

    [gone] = run("list", "--removed")["removed"]
    assert (gone["by"], gone["why"], gone["rule"]["act"]) == ("ops", "a test", "block")
    assert len(topic.held) == 2


def test_the_same_commands_work_on_a_household_file(home: Path) -> None:
    check_life("--embedded", home)


def test_a_snooze_has_a_length_and_a_class_a_name(topic: RuleTopic) -> None:
    snoozed = run("add", "snooze", "--for", "4h", "--by", "me", *WHY)["rule"]
    classified = run("add", "classify", "--intent", "a.B", "--class", "purchase", *WHY)["rule"]

    assert (snoozed["owner"], snoozed["expires"] is None) == ("me", False)
    assert classified["risk_class"] == "purchase"
    assert len(topic.held) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "snooze", "--intent", "?"), r"intent .*; expires is required"),
        (("add", "allow", "--for", "91d"), "expires must be within"),
        (("add", "allow", "--why", "a dry run"), "expires is required"),
        (("add", "classify", "--intent", "a.B", "--class", "odd"), "--class odd: choose read_only"),
        (("add", "block", "--for", "soon"), "--for soon"),
        (("remove", "unknown"), "there is no rule"),
    ],
)
def test_a_refused_rule_is_a_usage_error(
    topic: RuleTopic, arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        run(arguments[0], *WHY, *arguments[1:])

    assert not topic.held


def test_a_dry_run_needs_no_reason_and_no_length(
    topic: RuleTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = DryRun(commands=3, matched=2, changed=1, complete=False)
    found.before[Verdict.CONFIRM] = found.after[Verdict.ALLOW] = 1
    found.examples.append(
        Example("e1", "h1", "a.B", RiskClass.READ_ONLY, Verdict.CONFIRM, Verdict.ALLOW)
    )
    monkeypatch.setattr(rules_dry_run, "dry_run", lambda *_, **__: found)

    said = run("dry-run", "allow", "--since", "12h")

    assert (said["matched"], said["changed"], said["complete"]) == (2, 1, False)
    assert (said["before"], said["after"]) == ({"confirm": 1}, {"allow": 1})
    assert [each["event_id"] for each in said["examples"]] == ["e1"]
    assert not topic.held


@pytest.mark.usefixtures("topic")
def test_unclassified_intents_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Unclassified({"a.B": 3}, complete=True)
    monkeypatch.setattr(rules_dry_run, "unclassified_intents", lambda *_, **__: found)

    assert run("unclassified")["intents"] == {"a.B": 3}
