"""A dry run counts what a rule would have changed in the latest decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from detector.contracts.decisions import Decision, RiskClass, Verdict
from detector.contracts.rules import RuleAct
from detector.decision.decide import decide
from detector.decision.under_rule import verdict_with
from detector.household.state import HouseholdState
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import DECISIONS, INTENTS
from streams.lifecycle import rules_dry_run
from streams.lifecycle.rules_dry_run import dry_run, dry_runs, unclassified_intents
from streams.wire.records import DECISION, INTENT
from tests.detector.builders import ABSURD, START, SURE, event, hand_bundle, policy
from tests.detector.rules import rule, rule_set

BROKERS = Brokers("nobody.invalid:9092")
SINCE = START.timestamp()
LATER = START + timedelta(hours=2)


class Log:
    """Decisions on the light of one household, one a second, and their events."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.records: dict[str, list[TopicRecord]] = {DECISIONS: [], INTENTS: []}
        monkeypatch.setattr(rules_dry_run, "read_backwards", self._windows)
        monkeypatch.setattr(
            rules_dry_run, "records_since", lambda _, topic, *__, **___: len(self.records[topic])
        )

    def command(self, wake: float = SURE, *, rules: Any = (), **fields: Any) -> Decision:
        """Decide on a command, and keep it in the log."""
        number = len(self.records[INTENTS])
        given: dict[str, Any] = {
            "intent": "lights.TurnOn",
            "commits": True,
            "wake_confidence": wake,
        }
        heard = event(number, **(given | fields))
        state = HouseholdState.new(heard.household_id)
        decision, _ = decide(state, heard, hand_bundle(), at=heard.seconds, rules=rule_set(*rules))
        for topic, value in (
            (INTENTS, INTENT.encode(heard)),
            (DECISIONS, DECISION.encode(decision)),
        ):
            place, at = Place(topic, 0, number), SINCE + number
            key = heard.household_id.encode()
            self.records[topic].append(TopicRecord(place, at, key, value))
        return decision

    def _windows(
        self, _: Brokers, topic: str, *, window: int, every: int
    ) -> Iterator[list[TopicRecord]]:
        assert window > 0
        for held in self.records[topic][::-every]:
            yield [held]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    return Log(monkeypatch)


def test_a_block_is_counted_with_examples(log: Log) -> None:
    for number in range(12):
        log.command(device_id="hall" if number % 2 else "kitchen")
    log.command(intent="music.PlaySong")
    log.command(commits=False)

    found = dry_run(BROKERS, rule(intent="lights.*"), policy(), since=SINCE)

    assert (found.commands, found.matched, found.changed) == (13, 12, 12)
    assert (found.before, found.after) == ({Verdict.ALLOW: 12}, {Verdict.BLOCK: 12})
    assert [each.event_id for each in found.examples] == [f"e{n}" for n in range(11, 1, -1)]
    assert found.complete


def test_a_rule_for_a_device_reads_the_devices_of_the_events(log: Log) -> None:
    log.command(device_id="hall")
    log.command(device_id="kitchen")

    found = dry_run(BROKERS, rule(device_id="hall"), policy(), since=SINCE)

    assert (found.commands, found.matched) == (2, 1)
    assert [each.event_id for each in found.examples] == ["e0"]


def test_several_rules_are_tried_each_without_the_others(log: Log) -> None:
    kitchen, hall = log.command(device_id="kitchen"), log.command(device_id="hall")
    rules = {
        "all": rule(rule_id="all"),
        "hall": rule(rule_id="hall", device_id="hall", expires=LATER),
        "other": rule(rule_id="other", household_id="h2"),
    }

    found = dry_runs([(hall, "hall"), (kitchen, None)], rules, policy())

    assert {name: (each.commands, each.matched) for name, each in found.items()} == {
        "all": (2, 2),
        "hall": (2, 1),
        "other": (0, 0),
    }


def test_older_decisions_and_other_households_do_not_count(log: Log) -> None:
    log.command()
    log.command(household_id="h2")
    log.command()

    found = dry_run(BROKERS, rule(household_id="h1"), policy(), since=SINCE + 0.5)

    assert (found.commands, found.matched) == (1, 1)


def test_a_tenants_rule_counts_the_tenants_commands_only(log: Log) -> None:
    ours = f"acme_{'0' * 32}"
    log.command(household_id=ours)
    log.command(household_id=f"beta_{'0' * 32}")

    found = dry_run(BROKERS, rule(tenant="acme"), policy(), since=SINCE)

    assert found.commands == 1
    assert [each.household_id for each in found.examples] == [ours]


def test_of_a_long_log_every_few_records_are_read(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules_dry_run, "MOST_RECORDS", 2)
    for _ in range(5):
        log.command()

    found = dry_run(BROKERS, rule(), policy(), since=SINCE)

    assert (found.commands, found.records, found.logged, found.complete) == (2, 2, 5, False)
    assert [each.event_id for each in found.examples] == ["e4", "e1"]
    assert found.oldest is not None
    assert found.oldest.timestamp() == SINCE + 1


def test_of_a_device_the_latest_records_are_read(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_dry_run, "MOST_RECORDS", 2)
    for _ in range(5):
        log.command(device_id="hall")

    found = dry_run(BROKERS, rule(device_id="hall"), policy(), since=SINCE)

    assert [each.event_id for each in found.examples] == ["e4", "e3"]
    assert (found.matched, found.complete) == (2, False)


def test_of_a_window_that_is_too_long_the_latest_records_are_read(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules_dry_run, "MOST_RECORDS", 2)
    monkeypatch.setattr(
        rules_dry_run, "read_backwards", lambda _, topic, **__: iter([log.records[topic]])
    )
    for _ in range(3):
        log.command()

    found = dry_run(BROKERS, rule(), policy(), since=SINCE)

    assert [each.event_id for each in found.examples] == ["e2", "e1"]
    assert not found.complete


def test_an_allow_would_have_changed_interruptions(log: Log) -> None:
    log.command()
    before = log.command(ABSURD).verdict
    asked = rule(act=RuleAct.ALLOW, expires=LATER)

    found = dry_run(BROKERS, asked, policy(), since=SINCE)

    assert before is not Verdict.ALLOW
    assert (found.matched, found.changed) == (2, 1)
    assert found.after == {Verdict.ALLOW: 2}


def test_a_stricter_rule_that_was_in_force_stays(log: Log) -> None:
    block, confirm = rule(), rule(rule_id="r2", act=RuleAct.CONFIRM)
    allow = rule(rule_id="r3", act=RuleAct.ALLOW, expires=LATER)
    blocked = log.command(rules=[block])
    asked = log.command(rules=[confirm])

    assert verdict_with(blocked, allow, policy()) is Verdict.BLOCK
    assert verdict_with(blocked, confirm, policy()) is Verdict.BLOCK
    assert verdict_with(asked, block, policy()) is Verdict.BLOCK
    assert verdict_with(asked, allow, policy()) is Verdict.CONFIRM


def test_a_grave_command_is_not_allowed(log: Log) -> None:
    grave = log.command(ABSURD, intent="messages.SendMessage")
    allow = rule(act=RuleAct.ALLOW, expires=LATER)

    assert verdict_with(grave, allow, policy()) is grave.verdict


@pytest.mark.parametrize("risk", RiskClass)
def test_a_class_gives_the_verdict_that_the_rule_would_give(log: Log, risk: RiskClass) -> None:
    made = rule(act=RuleAct.CLASSIFY, intent="zebra.Frobnicate", risk_class=risk)
    for wake in (SURE, ABSURD):
        plain = log.command(wake, intent=made.intent)
        ruled = log.command(wake, intent=made.intent, rules=[made])

        said = verdict_with(replace(plain, event_id=ruled.event_id), made, policy())
        first = any(each.code == "first_physical" for each in ruled.reasons)
        assert said is ruled.verdict or first
        assert verdict_with(ruled, made, policy()) is ruled.verdict


def test_unclassified_intents_are_counted(log: Log) -> None:
    log.command(intent="zebra.Frobnicate")
    log.command(intent="zebra.Frobnicate")
    log.command(intent="zebra.Other", household_id="h2")
    log.command()

    found = unclassified_intents(BROKERS, since=SINCE, ours=lambda household: household == "h1")

    assert found.intents == {"zebra.Frobnicate": 2}
    assert found.complete
