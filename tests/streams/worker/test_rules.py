"""A worker applies the rules that it knows at each decision, and counts what they change."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from detector.contracts.decisions import Decision, Rung, Verdict
from detector.contracts.rules import Rule, RuleAct
from detector.decision.rule_timeline import RuleTimeline
from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, RULES
from streams.lifecycle.rule_log import RuleLog
from streams.settings import Settings
from streams.telemetry import metrics
from streams.wire.records import DECISION, RULE
from streams.worker import following
from streams.worker.following import follow_topics
from tests.detector.builders import SURE, event, hand_bundle
from tests.detector.rules import rule
from tests.streams.fakes import Bench, intent_record

TENANTS = {"acme": f"acme_{'0' * 32}", "beta": f"beta_{'0' * 32}"}


def decided(bench: Bench) -> list[Decision]:
    return [DECISION.decode(each.value) for each in bench.kafka.on(DECISIONS)]


def counted(act: RuleAct) -> float:
    return float(metrics.RULE_COMMANDS.labels(act.value, "reversible", "worker")._value.get())


async def light(
    bench: Bench, number: int, household_id: str = "h1", wake: float = SURE
) -> Decision:
    """Send a command to the worker; return its decision."""
    heard = event(
        number,
        intent="lights.TurnOn",
        commits=True,
        household_id=household_id,
        wake_confidence=wake,
    )
    await bench.intents(intent_record(heard, number))
    return decided(bench)[-1]


def book(*rules: Rule) -> RuleTimeline:
    return RuleTimeline({each.rule_id: each for each in rules})


async def test_a_rule_changes_the_next_decision_and_its_removal_restores_it() -> None:
    bench, before = Bench(hand_bundle()), counted(RuleAct.BLOCK)

    plain = await light(bench, 0)
    bench.worker.context.rules = book(rule(intent="lights.*"))
    blocked = await light(bench, 1)
    bench.worker.context.rules = book()
    again = await light(bench, 2)

    assert [each.verdict for each in (plain, blocked, again)] == [
        Verdict.ALLOW,
        Verdict.BLOCK,
        Verdict.ALLOW,
    ]
    assert (blocked.rule, blocked.model_verdict) == ("r1", Verdict.ALLOW)
    assert (plain.rules, again.rules) == (None, None)
    assert counted(RuleAct.BLOCK) == before + 1


async def test_a_tenants_rule_changes_nothing_for_another_tenant() -> None:
    bench = Bench(hand_bundle())
    bench.worker.context.rules = book(rule(tenant="acme"))

    ours = await light(bench, 0, TENANTS["acme"])
    theirs = await light(bench, 0, TENANTS["beta"])

    assert (ours.verdict, theirs.verdict) == (Verdict.BLOCK, Verdict.ALLOW)
    assert theirs.rules is None


async def test_without_a_look_up_of_the_rules_the_policy_answers_commands_and_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(RuleTimeline):
        def of(self, *_: object, **__: object) -> Any:
            raise LookupError("no such book")

    bench = Bench(hand_bundle())
    bench.worker.context.rules = Broken({})

    ruled = await light(bench, 0)
    await bench.intents(intent_record(event(1, intent="lights.Status"), 1))
    bench.worker.context.rules = book()
    later = await light(bench, 2)

    assert [each.code for each in ruled.reasons] == ["internal_error", "rules_failed"]
    assert ruled.rung is Rung.WORKER
    assert "no such book" in caplog.text
    assert [each.verdict for each in decided(bench)[1:]] == [Verdict.ALLOW] * 2
    assert later.reasons == ()
    assert [each.key for each in bench.kafka.on(DEAD_LETTERS)] == [b"h1"]


async def test_blocks_of_a_rule_do_not_spend_the_block_budget() -> None:
    bench = Bench(hand_bundle())
    bench.worker.context.rules = book(rule())
    for number in range(300):
        await light(bench, number)

    assert not bench.worker.context.blocks.spent("h1", hand_bundle().policy.block_budget)


async def test_a_redelivered_command_keeps_its_decision_after_the_rules_changed() -> None:
    bench = Bench(hand_bundle())
    bench.worker.context.rules = book(rule())
    first = await light(bench, 0)
    bench.worker.context.rules = book()

    heard = event(0, intent="lights.TurnOn", commits=True, wake_confidence=SURE)
    await bench.intents(intent_record(heard, 7))

    assert decided(bench)[-1] == first


@pytest.mark.parametrize("known", [None, RuleLog({"r1": rule()}, 3, 4.0)])
async def test_a_worker_follows_the_rules_with_and_without_their_topic(
    known: RuleLog | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench, followed = Bench(hand_bundle()), list[RuleLog]()

    async def follow(_: Brokers, __: float, log: RuleLog, *___: Any, **____: Any) -> None:
        followed.append(log)

    class NoFeed:
        def __init__(self, *_: object) -> None: ...

        async def run(self) -> None: ...

    monkeypatch.setattr(following, "follow_rules", follow)
    monkeypatch.setattr(following, "Feed", NoFeed)
    follow_topics(bench.worker, Settings(), {}, known)

    decision = await light(bench, 0)

    assert (decision.rule is None) == (known is None)
    assert ("misfire.rules is missing" in caplog.text) == (known is None)
    assert followed == [known or RuleLog()]


async def test_a_worker_that_crashed_makes_the_same_decision_after_the_rules_changed() -> None:
    """It had published the decision and lost the state, and had not read the rule yet."""
    heard = event(0, intent="lights.TurnOn", commits=True, wake_confidence=SURE)
    again = intent_record(heard, 0)
    log = RuleLog()
    first = Bench(hand_bundle())
    first.worker.context.rules = log.timeline
    await first.intents(again)
    log.apply(0, heard.seconds - 0.5, b"r1", RULE.encode(rule()))
    second = Bench(hand_bundle())
    second.worker.context.rules = log.timeline

    await second.intents(again)

    assert [each.value for each in second.kafka.on(DECISIONS)] == [
        each.value for each in first.kafka.on(DECISIONS)
    ]
    assert (await light(second, 1)).verdict is Verdict.BLOCK


@pytest.mark.parametrize(
    ("at", "positions", "sent"),
    [(1.0, {0: 5}, True), (1.0, {1: 5}, False), (-9.0, {0: 5}, False)],
    ids=["new", "another worker's", "read at the start"],
)
async def test_one_worker_sends_a_rule_that_cannot_be_applied_to_the_dead_letters(
    at: float, positions: dict[int, int], sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, tasks = Bench(hand_bundle()), list[Any]()
    monkeypatch.setattr(bench.worker.lag, "positions", lambda _: positions)
    unusable = following._to_dead_letters(bench.worker, tasks.append)
    counter = metrics.UNUSABLE_RECORDS.labels(RULES, "key_mismatch")
    before = counter._value.get()

    message = SimpleNamespace(
        topic=RULES,
        partition=0,
        offset=3,
        timestamp=1000.0 * (time.time() + at),
        key=b"another",
        value=RULE.encode(rule()),
        headers=(),
    )
    unusable(message, RecordError("key_mismatch", "the record's key is not its rule_id"))
    for each in tasks:
        await each

    letters = bench.kafka.on(DEAD_LETTERS)
    assert [each.value for each in letters] == ([message.value] if sent else [])
    assert counter._value.get() == before + 1
