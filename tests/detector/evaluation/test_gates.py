from __future__ import annotations

from dataclasses import replace

import pytest

from detector.contracts.decisions import RiskClass
from detector.decision.bundle import Bundle
from detector.decision.training_report import OURS, Data, Readiness
from detector.evaluation.gates import GATES, Gate, Regression, gates, regression
from detector.evaluation.live_evidence import LiveEvidence, measure
from detector.judge.calibration import Thin
from tests.detector.builders import ABSURD, SURE, hand_bundle, hand_report, heard, send_message
from tests.detector.decision.test_shadow import CAREFUL
from tests.detector.town import town

ENOUGH = Data(households=94, commands=8_491)
GOOD = LiveEvidence(
    households=50,
    commands=1_000,
    interrupted={RiskClass.PRIVATE_OUTBOUND: (5, 1_000)},
    active_interrupted={},
    drift={"wake_confidence": 0.1},
    active_drift={},
)
UNHARMED = Regression(10, ())


def candidate(**report: object) -> Bundle:
    """Return a bundle that passes every gate, with changes to its report."""
    sound = replace(hand_report(), data=ENOUGH, thin=())
    return replace(hand_bundle(), report=replace(sound, **report))  # type: ignore[arg-type]


def gate(
    name: str,
    bundle: Bundle | None = None,
    recent: LiveEvidence | None = GOOD,
    golden: Regression | None = UNHARMED,
) -> Gate:
    found = {each.name: each for each in gates(bundle or candidate(), recent, golden)}
    assert tuple(found) == GATES[:-1]
    return found[name]


def test_a_sound_bundle_passes_every_gate() -> None:
    assert all(each.passed for each in gates(candidate(), GOOD, UNHARMED))


def test_too_little_training_data_or_log_fails_by_name() -> None:
    small = candidate(data=Data(households=3, commands=40))

    assert gate("data", small).passed is False
    assert "40 commands of 3 households" in gate("data", small).text
    assert "the recent log has 0 commands" in gate("data", recent=None).text


def test_a_class_without_enough_scores_to_promise_anything_fails() -> None:
    silent = Thin(RiskClass.PURCHASE, scores=3, needed=99, promised=None, pooled=False)
    quiet = Thin(RiskClass.PURCHASE, scores=44, needed=99, promised=0.022, pooled=False)

    assert gate("calibration", candidate(thin=(silent,))).passed is False
    assert "purchase" in gate("calibration", candidate(thin=(silent,))).text
    assert gate("calibration", candidate(thin=(quiet,))).passed


def test_a_bundle_that_costs_more_than_always_allowing_fails() -> None:
    dear = Readiness({OURS: 12.5, "always allow": 9.0}, {})

    found = gate("cost", candidate(readiness=dear))

    assert found.passed is False
    assert "9.0 by the rule 'always allow'" in found.text


@pytest.mark.parametrize(
    ("interrupted", "by_the_active", "passed"),
    [(5, 0, True), (14, 0, True), (40, 0, False), (40, 40, True), (41, 40, False)],
)
def test_more_interruptions_than_the_budget_and_the_active_bundle_fail(
    interrupted: int, by_the_active: int, passed: bool
) -> None:
    """The budget is 1 %: 14 of 1,000 are chance, 40 are not."""
    recent = replace(
        GOOD,
        interrupted={RiskClass.PURCHASE: (interrupted, 1_000)},
        active_interrupted={RiskClass.PURCHASE: by_the_active},
    )

    assert gate("budget", recent=recent).passed is passed


@pytest.mark.parametrize(
    ("index", "of_the_active", "passed"), [(0.2, 0.0, True), (0.4, 0.0, False), (0.4, 0.5, True)]
)
def test_drift_beyond_that_of_the_active_bundle_fails(
    index: float, of_the_active: float, passed: bool
) -> None:
    recent = replace(GOOD, drift={"hour": index}, active_drift={"hour": of_the_active})

    assert gate("drift", recent=recent).passed is passed
    assert passed or "hour 0.40" in gate("drift", recent=recent).text


def test_what_cannot_be_checked_says_so() -> None:
    few = replace(GOOD, commands=20)

    assert gate("budget", recent=few).passed is None
    assert gate("drift", recent=few).passed is None
    assert gate("drift", recent=replace(GOOD, drift=None)).passed is None
    assert gate("golden", golden=None).passed is None


def test_a_golden_command_that_is_decided_worse_fails_and_is_named() -> None:
    meant = heard(send_message(), SURE)
    careless = regression(meant, (), hand_bundle(), CAREFUL)
    assert careless == Regression(1, (meant[-1].event_id,))
    assert regression(meant, (), CAREFUL, hand_bundle()).worse == ()

    absurd = heard(send_message(), ABSURD)
    assert regression(absurd, {absurd[-1].event_id}, hand_bundle(), CAREFUL).worse == ()
    assert gate("golden", golden=careless).passed is False
    assert meant[-1].event_id in gate("golden", golden=careless).text


def test_recent_commands_are_counted_after_the_households_were_learned() -> None:
    events = sorted(heard(town(households=4, sessions=20), SURE), key=lambda each: each.time)
    later = [each for each in events[len(events) // 2 :] if each.commits]

    found = measure(events, hand_bundle(), CAREFUL)

    assert found.commands == len(later)
    assert sum(commands for _, commands in found.interrupted.values()) == len(later)
    assert found.households == 4
    assert found.drift is None
