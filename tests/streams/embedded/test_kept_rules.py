"""Rules in a household file."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from detector.contracts.decisions import Decision, Rung, Verdict
from detector.contracts.rules import RuleAct
from detector.decision.rule_set import RuleBook
from streams.embedded import EmbeddedHook
from streams.embedded.kept_rules import add_rule_in_file, remove_rule_in_file, rules_in_file
from streams.embedded.opened import opened
from streams.errors import RecordError
from streams.privacy.household_files import collected_in_file, erase_in_file
from tests.detector.builders import START, SURE, event, hand_bundle
from tests.detector.rules import rule


def hook(place: Path) -> EmbeddedHook:
    return EmbeddedHook(
        place, bundle=hand_bundle(), allow_unready=True, deadline_ms=60_000, now=START.timestamp
    )


def light(running: EmbeddedHook, number: int) -> Decision:
    return running.decide(event(number, intent="lights.TurnOn", commits=True, wake_confidence=SURE))


def test_a_running_hook_applies_a_rule_until_it_is_removed(tmp_path: Path) -> None:
    place = tmp_path / "home.db"
    with hook(place) as running:
        assert light(running, 0).verdict is Verdict.ALLOW
        add_rule_in_file(place, rule(intent="lights.*"))
        blocked = light(running, 1)
        assert (blocked.verdict, blocked.rule) == (Verdict.BLOCK, "r1")
        assert remove_rule_in_file(place, "r1", by="me", why="repaired").rule_id == "r1"
        assert light(running, 2).verdict is Verdict.ALLOW

    assert rules_in_file(place) == {}
    with sqlite3.connect(place) as file:
        kept = file.execute("SELECT removed_by, removed_why FROM rules").fetchall()
    assert kept == [("me", "repaired")]


def test_a_rule_survives_a_restart(tmp_path: Path) -> None:
    place = tmp_path / "home.db"
    with hook(place) as running:
        light(running, 0)
    add_rule_in_file(place, rule())

    with hook(place) as running:
        assert light(running, 1).verdict is Verdict.BLOCK


def test_a_file_without_a_table_of_rules_gets_one(tmp_path: Path) -> None:
    place = tmp_path / "home.db"
    with hook(place) as running:
        light(running, 0)
    with sqlite3.connect(place) as file:
        file.execute("DROP TABLE rules")

    add_rule_in_file(place, rule())

    assert rules_in_file(place) == {"r1": rule()}


def test_a_rule_that_cannot_be_added_or_removed_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "home.db"
    with hook(place) as running:
        light(running, 0)
    add_rule_in_file(place, rule())

    for refused, code in (
        (lambda: add_rule_in_file(place, rule()), "schema"),
        (lambda: add_rule_in_file(place, rule(rule_id="r2", tenant="acme")), "schema"),
        (lambda: remove_rule_in_file(place, "r2", by="me", why="a test"), "unknown_rule"),
        (lambda: remove_rule_in_file(place, "r1", by="me", why=""), "schema"),
    ):
        with pytest.raises(RecordError) as raised:
            refused()
        assert raised.value.code == code
    assert rules_in_file(place) == {"r1": rule()}


def test_a_removed_rule_is_deleted_with_the_records_of_its_time(tmp_path: Path) -> None:
    place = tmp_path / "home.db"
    with hook(place) as running:
        light(running, 0)
    add_rule_in_file(place, rule())
    remove_rule_in_file(place, "r1", by="me", why="a test")

    with opened(place) as transaction:
        transaction.delete_before(4e9)

    with sqlite3.connect(place) as file:
        assert file.execute("SELECT count(*) FROM rules").fetchone() == (0,)


def test_the_rules_of_a_household_are_shown_and_erased_with_it(tmp_path: Path) -> None:
    place = tmp_path / "home.db"
    with hook(place) as running:
        light(running, 0)
    add_rule_in_file(place, rule(household_id="h1"))
    add_rule_in_file(place, rule(rule_id="all"))

    counts = {each.source: each.records for each in collected_in_file(place, "h1")}
    assert counts["misfire.rules"] == 1

    erase_in_file(place, "h1")
    assert set(rules_in_file(place)) == {"all"}


@pytest.fixture
def ruled(tmp_path: Path) -> Path:
    """Return a household file with a rule that blocks lights, and one that allows doors."""
    place = tmp_path / "home.db"
    with hook(place) as running:
        light(running, 0)
    lets = rule(rule_id="r2", act=RuleAct.ALLOW, expires=START + timedelta(days=9))
    for each in (rule(intent="lights.*"), lets):
        add_rule_in_file(place, each)
    return place


def test_without_a_bundle_rules_only_make_the_policys_answer_stricter(
    ruled: Path, tmp_path: Path
) -> None:
    door = event(2, intent="security.UnlockDoor", commits=True)
    with EmbeddedHook(
        ruled, bundle=tmp_path / "nothing", deadline_ms=60_000, now=START.timestamp
    ) as running:
        blocked, asked = light(running, 1), running.decide(door)

    assert (blocked.rung, blocked.verdict, blocked.rule) == (Rung.POLICY, Verdict.BLOCK, "r1")
    assert [each.code for each in blocked.reasons] == ["no_bundle", "rule_block"]
    assert (asked.verdict, asked.rule) == (Verdict.CONFIRM, None)


def test_rules_that_cannot_be_read_do_not_keep_the_policy_from_answering(
    ruled: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ruled.write_bytes(b"no database, and long enough to be read as one" * 50)
    with EmbeddedHook(ruled, bundle=tmp_path / "nothing", deadline_ms=60_000) as running:
        found = light(running, 1)

    assert (found.verdict, found.reasons[0].code) == (Verdict.ALLOW, "no_bundle")
    assert "the rules cannot be read" in caplog.text


def test_the_rules_that_were_last_read_apply_while_the_file_is_locked(ruled: Path) -> None:
    with hook(ruled) as running:
        assert light(running, 1).verdict is Verdict.BLOCK
        other = sqlite3.connect(ruled, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        running._serving.deadline = 0.4
        found = light(running, 2)
        other.close()

    assert found.rung is Rung.POLICY
    assert (found.verdict, found.rule) == (Verdict.BLOCK, "r1")


def test_the_policy_answers_without_rules_that_fail(
    ruled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(RuleBook, "of", fail)
    with EmbeddedHook(ruled, bundle=tmp_path / "nothing", deadline_ms=60_000) as running:
        found = light(running, 5)

    assert (found.rung, found.verdict) == (Rung.POLICY, Verdict.ALLOW)
    assert [each.code for each in found.reasons] == ["no_bundle", "rules_failed"]
    assert "the rules raised ZeroDivisionError" in caplog.text
