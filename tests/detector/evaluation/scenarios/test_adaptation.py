from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from detector.contracts.errors import NotEnoughData
from detector.contracts.events import Act, IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.labelled_outcomes import reveal
from detector.evaluation import playing
from detector.evaluation.scenarios.adaptation import WINDOW, adaptation
from detector.evaluation.scenarios.household_changes import CHANGES
from detector.household.grouping import sessions_by_household
from detector.household.state import HouseholdState
from detector.training.fit_model import fit_model
from tests.detector.builders import dialogue, hand_bundle, hand_calibration, hand_judge
from tests.detector.town import town

pytestmark = pytest.mark.slow

#: All households switch lights; only every fourth one unlocks doors.
EVENTS: list[IntentEvent] = sorted(
    (
        event
        for home in range(12)
        for day in range(40)
        for event in dialogue(
            (
                ("doors.Unlock" if home % 4 == 0 and day % 2 else "lights.TurnOn"),
                Act.INITIATE,
                True,
            ),
            first=1000 * home + day,
            session=f"s{home}-{day}",
            days=day,
            household_id=f"home{home}",
        )
    ),
    key=lambda event: (event.time, event.event_id),
)
MODEL = fit_model(
    [session for sessions in sessions_by_household(EVENTS).values() for session in sessions],
    clones=2,
    iterations=2,
)


def newcomers_bundle(bits: float = 6.0) -> Bundle:
    """A judge that finds exactly those commands strange that the household never gave."""
    judge = hand_judge("intent_count", edges=(0.0, 0.5), bits=(bits, -6.0, -6.0))
    return hand_bundle(model=MODEL, judge=judge, calibration=hand_calibration())


def test_new_habits_are_confirmed_until_they_are_learned() -> None:
    found = adaptation(EVENTS, newcomers_bundle())
    assert found.households == 12
    assert [recovery.change for recovery in found.recoveries] == list(CHANGES)
    sessions = {recovery.change: recovery.sessions for recovery in found.recoveries}
    assert sessions["nothing"] == sessions["a baby's night hours"] == 0
    device = next(recovery for recovery in found.recoveries if recovery.change == "a new device")
    assert not device.windows[0].holds
    assert device.windows[0].interrupted > 10 * device.windows[-1].interrupted
    assert device.sessions is not None
    assert device.sessions >= WINDOW


def test_an_attack_is_not_learned_but_a_confirmation_would_be() -> None:
    found = adaptation(EVENTS, newcomers_bundle())
    assert not found.learned
    assert {attempt.stopped for attempt in found.attempts} == {1.0}
    assert found.attempts[0].stopped_if_confirmed == 1.0
    assert found.attempts[-1].stopped_if_confirmed == 0.0
    assert found.attempts[-1].probability_if_confirmed < found.attempts[-1].probability


def test_a_judge_that_learns_attacks_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    def always(*args: Any, meant: bool, at: float) -> HouseholdState:
        return reveal(*args, meant=meant or True, at=at)

    monkeypatch.setattr(playing, "reveal", always)
    assert adaptation(EVENTS, newcomers_bundle()).learned


def test_the_same_seed_gives_the_same_figures_and_progress_is_reported() -> None:
    calls: list[tuple[str, int, int]] = []
    first = adaptation(
        EVENTS, newcomers_bundle(), seed=3, progress=lambda *call: calls.append(call)
    )
    assert first == adaptation(EVENTS, newcomers_bundle(), seed=3)
    assert {stage for stage, done, total in calls if done == total} == {
        "changing households",
        "attacking households",
    }


def test_too_few_households_are_rejected() -> None:
    few = [replace(event, household_id="h1") for event in EVENTS[:5]]
    with pytest.raises(NotEnoughData, match="two households"):
        adaptation(few, newcomers_bundle())
    assert adaptation(town(households=3), newcomers_bundle()).households == 3
