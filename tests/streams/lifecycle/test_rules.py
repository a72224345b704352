"""Rules on their topic: adding, removing, and following them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from detector.contracts.rules import RuleAct
from detector.decision.rule_set import RuleBook
from detector.decision.rule_timeline import TAKES_EFFECT
from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.topics import RULES
from streams.lifecycle import rule_log, rules
from streams.lifecycle.rule_log import (
    RuleLog,
    follow_rules,
    past_rules,
    read_rules,
    removed_rules,
    rules_at_start,
)
from streams.lifecycle.rules import add_rule, forget_household, make_rule, remove_rule
from streams.telemetry import metrics
from streams.wire.records import REMOVED_BY, REMOVED_WHY, RULE
from tests.detector.builders import START
from tests.detector.rules import rule
from tests.streams.lifecycle.rule_topic import RuleTopic

BROKERS = Brokers("nobody.invalid:9092")
ONE, TWO = rule(), rule(rule_id="r2", intent="lights.*")


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> RuleTopic:
    return RuleTopic(monkeypatch)


def test_a_rule_is_added_and_read(topic: RuleTopic) -> None:
    add_rule(BROKERS, ONE)
    add_rule(BROKERS, TWO)

    assert [held.key for held in topic.held] == [b"r1", b"r2"]
    assert read_rules(BROKERS).rules == {"r1": ONE, "r2": TWO}


def test_a_rules_id_is_used_once(topic: RuleTopic) -> None:
    topic.add(ONE)

    with pytest.raises(RecordError, match="there is a rule r1"):
        add_rule(BROKERS, ONE)


def test_a_removal_names_the_person_and_the_reason(topic: RuleTopic) -> None:
    topic.add(ONE, TWO)

    removed = remove_rule(BROKERS, "r1", by="ops", why="repaired")

    assert removed == ONE
    assert read_rules(BROKERS).rules == {"r2": TWO}
    headers = dict(topic.held[-1].headers)
    assert (headers[REMOVED_BY], headers[REMOVED_WHY]) == (b"ops", b"repaired")
    [gone] = removed_rules(BROKERS)
    assert (gone.rule, gone.by, gone.why) == (ONE, "ops", "repaired")


@pytest.mark.parametrize(
    ("rule_id", "why", "code"),
    [("r9", "a test", "unknown_rule"), ("r2", "a test", "unknown_rule"), ("r1", "", "schema")],
)
def test_a_rule_is_not_removed_by_others_or_without_a_reason(
    topic: RuleTopic, rule_id: str, why: str, code: str
) -> None:
    topic.add(ONE, TWO)

    with pytest.raises(RecordError) as refused:
        remove_rule(BROKERS, rule_id, by="ops", why=why, may=lambda each: each.rule_id == "r1")

    assert refused.value.code == code
    assert len(read_rules(BROKERS).rules) == 2


def test_adding_a_rule_removes_the_expired_ones_of_its_tenant(topic: RuleTopic) -> None:
    old = {"act": RuleAct.SNOOZE, "expires": START + timedelta(hours=1)}
    topic.add(rule(rule_id="ours", **old), rule(rule_id="theirs", tenant="acme", **old))

    add_rule(BROKERS, rule(created=START + timedelta(hours=1)))

    assert set(read_rules(BROKERS).rules) == {"r1", "theirs"}


def test_a_tenant_has_a_limited_number_of_rules(
    topic: RuleTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_RULES", 2)
    topic.add(rule(tenant="acme", rule_id="a1"), rule(tenant="acme", rule_id="a2"), ONE)

    add_rule(BROKERS, TWO)
    with pytest.raises(RecordError) as refused:
        add_rule(BROKERS, rule(tenant="acme", rule_id="a3"))

    assert refused.value.code == "too_many_rules"


def test_a_new_rule_reports_every_problem() -> None:
    with pytest.raises(RecordError, match=r"owner.*; why.*; expires") as refused:
        make_rule(RuleAct.ALLOW, owner="", why="")

    assert refused.value.code == "schema"


def test_a_new_rule_expires_after_its_time() -> None:
    before = datetime.now(UTC)
    made = make_rule(RuleAct.SNOOZE, owner="ops", why="a party", lasts=3600)

    assert made.expires is not None
    assert made.expires - made.created == timedelta(hours=1)
    assert made.created >= before
    assert len(made.rule_id) == 12


def test_the_rules_of_an_erased_household_are_removed(topic: RuleTopic) -> None:
    topic.add(ONE, rule(rule_id="ours", household_id="h1"))

    assert forget_household(BROKERS, "h1", by="ops") == 1
    assert read_rules(BROKERS).rules == {"r1": ONE}
    topic.exists = False
    assert forget_household(BROKERS, "h1", by="ops") == 0


def test_without_the_topic_a_worker_starts_without_rules(topic: RuleTopic) -> None:
    topic.add(ONE)

    assert rules_at_start(BROKERS) == RuleLog({"r1": ONE}, 0, 0.0)
    topic.exists = False
    assert rules_at_start(BROKERS) is None


def test_every_version_of_a_households_rules_is_found_again(topic: RuleTopic) -> None:
    topic.add(ONE, rule(rule_id="other", household_id="h2"), TWO)
    remove_rule(BROKERS, "r1", by="ops", why="a test")

    found = past_rules(BROKERS, "h1").versions

    wanted = [
        RuleBook({each.rule_id: each for each in some}) for some in ([ONE], [ONE, TWO], [TWO])
    ]
    assert list(found.values()) == [book.of("h1", "") for book in wanted]
    assert all(version == each.version for version, each in found.items())
    topic.exists = False
    assert past_rules(BROKERS, "h1").versions == {}


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [(b"r1", b"junk", "not_json"), (b"r2", RULE.encode(ONE), "key_mismatch")],
)
def test_an_unreadable_rule_and_one_under_another_key_are_not_applied(
    key: bytes, value: bytes, code: str
) -> None:
    log = RuleLog()

    with pytest.raises(RecordError) as refused:
        log.apply(0, 1.0, key, value)

    assert refused.value.code == code
    assert not log.apply(1, 1.0, b"r9", None)
    assert log.rules == log.timeline.at(99.0).rules == {}


def test_rules_that_cannot_be_applied_are_counted_and_the_others_are_read(
    topic: RuleTopic,
) -> None:
    counter = metrics.UNUSABLE_RECORDS.labels(RULES, "key_mismatch")
    before = counter._value.get()
    topic.send(RULES, key=b"another", value=RULE.encode(ONE), headers=())
    topic.add(TWO)

    assert read_rules(BROKERS).rules == {"r2": TWO}
    assert counter._value.get() == before + 1


def test_the_timeline_has_the_rules_of_every_time(topic: RuleTopic) -> None:
    topic.add(ONE, TWO)
    remove_rule(BROKERS, "r1", by="ops", why="a test")

    timeline = read_rules(BROKERS).timeline

    found = [set(timeline.at(second + TAKES_EFFECT).rules) for second in (-1, 0, 1, 2)]
    assert found == [set(), {"r1"}, {"r1", "r2"}, {"r2"}]


def test_records_that_are_read_again_bring_no_removed_rule_back() -> None:
    log = RuleLog()
    records: list[tuple[int, float, bytes, bytes | None]] = [
        (0, 10.0, b"r1", RULE.encode(ONE)),
        (1, 9.0, b"r1", None),  # by a person whose clock is behind
    ]

    assert [log.apply(*each) for each in records] == [True, True]
    assert [log.apply(*each) for each in records] == [False, False]
    assert log.rules == {}
    assert log.apply(0, 12.0, b"r1", RULE.encode(ONE))  # the topic was created again


async def test_a_follower_announces_changes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[dict[str, Any]] = []
    unusable: list[tuple[int, str]] = []

    async def follow(_: Brokers, __: str, received: Any, **_options: Any) -> None:
        records = [(b"r1", ONE), (b"r1", ONE), (b"r9", ONE), (b"r2", replace(TWO, why="another"))]
        for offset, (key, each) in enumerate(records):
            value = RULE.encode(each)
            received(SimpleNamespace(offset=offset, timestamp=offset * 1000, key=key, value=value))

    monkeypatch.setattr(rule_log, "follow_topic", follow)
    known = RuleLog()

    await follow_rules(
        BROKERS,
        0.5,
        known,
        lambda: said.append(dict(known.rules)),
        lambda message, error: unusable.append((message.offset, error.code)),
    )

    assert said == [{"r1": ONE}, {"r1": ONE, "r2": replace(TWO, why="another")}]
    assert known.timeline.at(99.0).rules == said[-1]
    assert unusable == [(2, "key_mismatch")]
