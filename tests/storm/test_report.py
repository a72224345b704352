from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from detector.contracts.decisions import Decision, Rung
from streams.wire.records import DECISION
from tests.detector.builders import SURE, event, hand_bundle, heard, run, send_message
from tests.storm import counting
from tests.storm.counting import Count, count_ids
from tests.storm.load import Call
from tests.storm.report import Report, phase_of, seconds_until_workers_answer
from tests.storm.step_ids import StepIds, ids_by_step

DECIDED: Decision = run(heard(send_message(), SURE), hand_bundle())[0][-1]


def call(began: float, rung: Rung = Rung.WORKER, **changes: Any) -> Call:
    decision = replace(DECIDED, event_id=f"e{began}", rung=rung)
    about = event(event_id=f"e{began}", household_id="h1")
    return replace(Call(about, 0, began, 0.1, decision, late=False), **changes)


def test_the_wait_ends_with_the_last_call_that_no_worker_answered() -> None:
    calls = [call(10.0), call(10.5, Rung.GATEWAY), call(11.2, Rung.POLICY), call(11.5), call(14.0)]

    assert seconds_until_workers_answer(calls, 10.0) == pytest.approx(1.2)
    assert seconds_until_workers_answer([call(10.0)], 10.0) == 0.0
    assert "| 5 | 3 | 0 |" in phase_of("a fault", calls, 10.0, calm=True).row


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the topics contain: two events of one household, each decided once and applied once."""
    found = {
        "logged_events": {"e1.0": (1, "h1"), "e2.0": (1, "h1")},
        "decisions_of": {
            f"e{at}": {DECISION.encode(replace(DECIDED, event_id=f"e{at}")): 1} for at in (1.0, 2.0)
        },
        "_applied": {"h1": 2},
        "_read": [],
    }
    for name in list(found):
        monkeypatch.setattr(counting, name, lambda *_, name=name: found[name])
    return found


CALLS = [call(1.0), call(2.0)]


@pytest.mark.usefixtures("topics")
def test_nothing_is_missing_if_all_is_there() -> None:
    count = count_ids(None, CALLS, 0, [])  # type: ignore[arg-type] # the topics are replaced

    assert count.ok
    assert (count.calls, count.by_worker, count.logged) == (2, 2, 2)


@pytest.mark.parametrize(
    ("topic", "value", "wrong"),
    [
        ("logged_events", {"e1.0": (1, "h1")}, "answered_not_logged"),
        ("decisions_of", {}, "logged_not_decided"),
        ("decisions_of", {"e1.0": {b"another": 1}, "e2.0": {b"another": 1}}, "decided_differently"),
        ("_applied", {"h1": 3}, "miscounted"),
        ("_applied", {"h1": 1}, "miscounted"),
        ("_read", ["a letter"], "dead_letters"),
    ],
)
def test_every_loss_is_counted(
    topics: dict[str, Any], topic: str, value: object, wrong: str
) -> None:
    topics[topic] = value

    count = count_ids(None, CALLS, 0, [])  # type: ignore[arg-type] # the topics are replaced

    assert not count.ok
    assert getattr(count, wrong)


@pytest.mark.usefixtures("topics")
def test_a_gateway_that_lives_on_must_have_written_what_it_answered() -> None:
    lost = [*CALLS, call(3.0, Rung.GATEWAY)]

    assert count_ids(None, lost, 0, []).accepted_not_logged == ["e3.0"]  # type: ignore[arg-type]
    killed = count_ids(None, lost, 0, [(0, 4.0)])  # type: ignore[arg-type]
    assert (killed.ok, killed.unaccepted) == (True, 1)


@pytest.mark.usefixtures("topics")
def test_a_late_call_and_one_without_an_answer_are_counted() -> None:
    calls = [call(1.0, late=True), call(2.0, decision=None)]

    assert count_ids(None, calls, 1, []).late == 3  # type: ignore[arg-type]


def test_every_figure_is_reported() -> None:
    assert len(Count().numbers()) == len(fields(Count))


def test_a_campaign_without_faults_fails_and_skipped_faults_are_counted() -> None:
    phase = phase_of("a fault", CALLS, 1.0, calm=True)
    report = Report(0, 20.0, 1_000, 60.0, [phase], ["a full disk: not root"], Count(), 1.0)

    assert report.ok
    assert report.conclusion.endswith("in 1 steps. 1 faults were skipped.")
    assert not replace(report, phases=[]).ok
    assert replace(report, phases=[]).conclusion == "FAILED: no fault was caused"
    assert replace(report, phases=[replace(phase, calm=False)]).conclusion == "FAILED"


def test_a_step_counts_the_ids_of_its_calls() -> None:
    begun = {"e0.5": 0.5, "e1.0": 1.0, "e2.0": 2.0, "e3.0": 3.0}
    calls = [call(1.0), call(2.0, Rung.GATEWAY)]

    first, second = ids_by_step(
        [("a restart", 1.0), ("another", 2.5)], begun, calls, ["e1.0", "e3.0"], ["e1.0"]
    )

    assert first == StepIds("a restart", 2, 2, 1, 1, 1)
    assert second == StepIds("another", 1, 0, 0, 1, 0)
    assert (first.ok, second.ok) == (True, False)
    assert first.row == "| a restart | 2 | 2 | 1 | 1 | 1 |"


def test_a_step_with_a_call_without_an_answer_fails_the_campaign() -> None:
    phase = phase_of("a fault", CALLS, 1.0, calm=True)
    report = Report(0, 20.0, 1_000, 60.0, [phase], [], Count(), 1.0)

    assert report.ok
    assert not replace(report, steps=[StepIds("a restart", 2, 1, 1, 2, 2)]).ok
    assert (
        "| a restart | 2 | 2 | 2 | 2 | 2 |"
        in replace(report, steps=[StepIds("a restart", 2, 2, 2, 2, 2)]).as_markdown()
    )
