from __future__ import annotations

from dataclasses import replace

import pytest

from detector.evaluation.scenarios.poisoning import floods
from detector.household import learning as household
from tests.detector.evaluation.scenarios.test_adaptation import EVENTS, newcomers_bundle

#: Four of the twelve households; one of them unlocks doors.
FEW = [event for event in EVENTS if event.household_id in {"home0", "home1", "home2", "home3"}]


@pytest.mark.slow
def test_a_few_accepted_commands_make_a_strange_one_usual_and_a_flood_adds_nothing() -> None:
    nothing, few, flood = floods(EVENTS, newcomers_bundle(), accepted=(0, 3, 60))

    assert nothing.households == few.households == flood.households == 9
    assert (nothing.stopped, few.stopped, flood.stopped) == (1.0, 0.0, 0.0)
    assert few.probability < nothing.probability
    assert nothing.commands == few.commands == flood.commands == 9 * 8
    assert nothing.interrupted == flood.interrupted == 0.0


@pytest.mark.slow
def test_without_a_bound_a_flood_makes_the_households_own_commands_strange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After 400 other sessions, 20 sessions weigh less than half a use, which counts as none."""
    assert floods(FEW, newcomers_bundle(), accepted=(400,))[0].interrupted == 0.0

    monkeypatch.setattr(household, "LESSONS_A_DAY", 10_000)

    assert floods(FEW, newcomers_bundle(), accepted=(400,))[0].interrupted > 0.0


def test_the_same_seed_gives_the_same_figures_and_progress_is_reported() -> None:
    calls: list[tuple[str, int, int]] = []
    first = floods(
        EVENTS, newcomers_bundle(), accepted=(0, 1), progress=lambda *call: calls.append(call)
    )

    assert first == floods(EVENTS, newcomers_bundle(), accepted=(0, 1))
    assert calls == [("flooding households", done, 2) for done in range(3)]


def test_without_a_strange_command_there_is_no_flood() -> None:
    few = [replace(event, household_id="h1") for event in EVENTS[:5]]
    same = [event for event in EVENTS if event.intent == "lights.TurnOn"]

    assert floods(few, newcomers_bundle()) == floods(same, newcomers_bundle()) == ()
