from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from detector.contracts.decisions import Verdict
from detector.contracts.events import OutcomeKind
from detector.household.state import HouseholdState
from streams.kafka.topics import DECISIONS
from streams.telemetry import metrics
from streams.wire.records import DECISION
from streams.worker import shadow
from tests.detector.builders import SURE, hand_bundle, heard, outcome, run, send_message
from tests.detector.decision.test_shadow import CAREFUL
from tests.streams.fakes import Bench, intent_record, outcome_record

EVENTS = heard(send_message(), SURE)
TRACE = b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01"


def counted(bundle: str, active: Verdict, verdict: Verdict) -> float:
    return sum(
        sample.value
        for metric in metrics.SHADOW_COMMANDS.collect()
        for sample in metric.samples
        if sample.labels.get("bundle") == bundle
        and (sample.labels["active"], sample.labels["verdict"]) == (active.value, verdict.value)
    )


async def test_a_shadow_decision_is_counted_and_logged_but_never_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = counted(CAREFUL.version, Verdict.ALLOW, Verdict.CONFIRM)
    alone, watched = Bench(hand_bundle()), Bench(hand_bundle())
    watched.worker.context.shadow = shadow.Shadow(CAREFUL)
    with caplog.at_level(logging.INFO, "streams.worker.shadow"):
        for bench in (alone, watched):
            await bench.intents(
                *(intent_record(each, number) for number, each in enumerate(EVENTS))
            )
            await bench.outcomes(
                outcome_record(outcome(EVENTS[-1].event_id, OutcomeKind.EXECUTED), 0)
            )

    wanted = [DECISION.encode(decision) for decision in run(EVENTS, hand_bundle())[0]]
    assert [record.value for record in watched.kafka.on(DECISIONS)] == wanted
    assert watched.table.data == alone.table.data
    assert [(each.topic, each.value) for each in watched.kafka.records] == [
        (each.topic, each.value) for each in alone.kafka.records
    ]
    assert counted(CAREFUL.version, Verdict.ALLOW, Verdict.CONFIRM) == before + 1
    (line,) = [record for record in caplog.records if record.message == "shadow"]
    assert line.fields["active"] == "allow"  # type: ignore[attr-defined]


def test_agreeing_decisions_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    bundle = hand_bundle()
    decisions, _ = run(EVENTS, bundle)
    before = counted(bundle.version, Verdict.ALLOW, Verdict.ALLOW)
    beside, state = shadow.Shadow(bundle), HouseholdState.new("h1")
    with caplog.at_level(logging.INFO, "streams.worker.shadow"):
        for number, (each, decision) in enumerate(zip(EVENTS, decisions, strict=True)):
            beside.decided(state, each, decision, TRACE, at=each.seconds)
            state = run(EVENTS[: number + 1], bundle)[1]

    assert counted(bundle.version, Verdict.ALLOW, Verdict.ALLOW) == before + 1
    assert not caplog.records


async def test_a_failing_shadow_is_counted_and_has_no_effect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError

    monkeypatch.setattr(shadow, "decide_in_shadow", fail)
    before = metrics.SHADOW_FAILURES._value.get()
    bench = Bench(hand_bundle())
    bench.worker.context.shadow = shadow.Shadow(CAREFUL)

    await bench.intents(*(intent_record(each, number) for number, each in enumerate(EVENTS)))

    assert len(bench.kafka.on(DECISIONS)) == len(EVENTS)
    assert metrics.SHADOW_FAILURES._value.get() == before + len(EVENTS)


def test_an_outcome_that_fails_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError

    beside = shadow.Shadow(CAREFUL)
    beside.decided(
        HouseholdState.new("h1"),
        EVENTS[0],
        run(EVENTS[:1], hand_bundle())[0][0],
        TRACE,
        at=EVENTS[0].seconds,
    )
    monkeypatch.setattr(shadow, "settle_in_shadow", fail)
    before = metrics.SHADOW_FAILURES._value.get()

    for name in ("h1", "never-heard-of"):
        beside.settled(HouseholdState.new(name), EVENTS[0].event_id, at=0.0)

    assert metrics.SHADOW_FAILURES._value.get() == before + 1


def test_forgotten_states_are_removed_and_memory_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shadow, "_HOUSEHOLDS", 3)
    beside, decision = shadow.Shadow(CAREFUL), run(EVENTS[:1], hand_bundle())[0][0]
    for number in range(5):
        each = replace(EVENTS[0], household_id=f"h{number}")
        beside.decided(
            HouseholdState.new(each.household_id), each, decision, TRACE, at=each.seconds
        )
    assert list(beside._states) == ["h2", "h3", "h4"]

    beside.forget("h3")
    assert list(beside._states) == ["h2", "h4"]
    beside.clear()
    assert not beside._states
