"""A worker waits for the rules before it decides, for some seconds."""

from __future__ import annotations

import asyncio

import pytest

from detector.contracts.decisions import Decision, Verdict
from streams.kafka.topics import DECISIONS
from streams.lifecycle.rule_log import RuleLog
from streams.telemetry import metrics
from streams.wire.records import DECISION, RULE
from streams.worker.current_rules import CurrentRules
from tests.detector.builders import SURE, event, hand_bundle
from tests.detector.rules import rule
from tests.streams.fakes import Bench, intent_record


class Clock:
    """A clock that stands still."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rules(clock: Clock) -> CurrentRules:
    return CurrentRules(clock)


def counted() -> float:
    return float(metrics.OLD_RULES._value.get())


async def waits(rules: CurrentRules) -> bool:
    """Return whether an event has to wait."""
    task = asyncio.create_task(rules.wait())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting = not task.done()
    task.cancel()
    return waiting


async def test_without_the_topic_nothing_waits(rules: CurrentRules) -> None:
    assert not await waits(rules)


@pytest.mark.parametrize(("age", "waiting"), [(0.0, False), (0.9, False), (1.1, True)])
async def test_an_event_waits_for_rules_that_are_not_current(
    rules: CurrentRules, clock: Clock, age: float, waiting: bool
) -> None:
    rules.read(clock.now - age)

    assert await waits(rules) == waiting


async def test_every_event_goes_on_when_the_rules_are_read(
    rules: CurrentRules, clock: Clock
) -> None:
    rules.read(clock.now - 2.5)
    tasks = [asyncio.create_task(rules.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    rules.read(clock.now - 2.0)
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)

    rules.read(clock.now)

    await asyncio.wait_for(asyncio.gather(*tasks), 30)


async def test_after_some_seconds_events_are_decided_under_old_rules_and_counted(
    rules: CurrentRules, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted()
    rules.read(clock.now - 3.0)

    await rules.wait()
    await rules.wait()

    assert counted() == before + 2
    assert caplog.text.count("could not be read for 3 s") == 1
    rules.read(clock.now)
    await rules.wait()
    assert counted() == before + 2


async def test_waiting_ends_by_itself(rules: CurrentRules, clock: Clock) -> None:
    before = counted()
    rules.read(clock.now - 2.99)
    task = asyncio.create_task(rules.wait())
    await asyncio.sleep(0)
    clock.now += 0.02

    await asyncio.wait_for(task, 30)

    assert counted() == before + 1


async def test_a_worker_that_was_cut_off_decides_as_the_one_that_takes_over(
    clock: Clock,
) -> None:
    """It had the event before the rule, and would have decided without it."""
    heard = event(0, intent="lights.TurnOn", commits=True, wake_confidence=SURE)
    log, record = RuleLog(), intent_record(heard, 0)
    cut_off, other = Bench(hand_bundle()), Bench(hand_bundle())
    for each in (cut_off, other):
        each.worker.context.rules = log.timeline
    cut_off.worker.context.current_rules = rules = CurrentRules(clock)
    rules.read(clock.now - 2.0)

    task = asyncio.create_task(cut_off.intents(record))
    await asyncio.sleep(0.01)
    assert not cut_off.kafka.on(DECISIONS)
    log.apply(0, heard.seconds - 2.5, b"r1", RULE.encode(rule()))
    rules.read(clock.now)
    await asyncio.wait_for(task, 30)
    await other.intents(record)

    ours, theirs = (decided(each) for each in (cut_off, other))
    assert ours == theirs
    assert (ours.verdict, ours.rule) == (Verdict.BLOCK, "r1")


def decided(bench: Bench) -> Decision:
    (sent,) = bench.kafka.on(DECISIONS)
    return DECISION.decode(sent.value)
