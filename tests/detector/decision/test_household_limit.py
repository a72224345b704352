"""A household that gives more commands than one home does."""

from __future__ import annotations

import pytest

from detector.contracts.decisions import Decision, Verdict
from detector.decision.decide import decide
from detector.decision.household_limit import OVER_LIMIT
from detector.household.command_rate import COMMANDS_AN_HOUR
from detector.household.state import HouseholdState
from tests.detector.builders import SURE, event, hand_bundle

BUNDLE = hand_bundle()
LIGHT, MESSAGE = "lights.TurnOn", "messages.SendMessage"


def loop(intent: str, commands: int, every: float = 1.0) -> list[Decision]:
    """Return the decisions on a command that a loop gives ``commands`` times."""
    state, found, start = HouseholdState.new("h1"), [], event().seconds
    for number in range(commands):
        given = event(
            number, session_id=f"s{number}", intent=intent, commits=True, wake_confidence=SURE
        )
        decision, state = decide(state, given, BUNDLE, at=start + every * number)
        found.append(decision)
    return found


def codes(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.reasons}


def test_a_mild_command_beyond_the_limit_is_allowed_and_marked() -> None:
    found = loop(LIGHT, COMMANDS_AN_HOUR + 2)
    assert not any(OVER_LIMIT in codes(decision) for decision in found[:COMMANDS_AN_HOUR])
    for decision in found[COMMANDS_AN_HOUR:]:
        assert decision.verdict is Verdict.ALLOW
        assert codes(decision) == {OVER_LIMIT}


def test_a_harmful_command_beyond_the_limit_is_confirmed() -> None:
    found = loop(MESSAGE, COMMANDS_AN_HOUR + 1)
    assert found[COMMANDS_AN_HOUR - 1].verdict is Verdict.ALLOW
    assert found[COMMANDS_AN_HOUR].verdict is Verdict.CONFIRM
    assert OVER_LIMIT in codes(found[COMMANDS_AN_HOUR])


@pytest.mark.parametrize(("every", "marked"), [(31.0, 0), (18.0, 80)])
def test_an_automation_of_200_commands_an_hour_exceeds_the_limit(every: float, marked: int) -> None:
    """Every 31 s are 116 commands an hour, every 18 s 200; the household begins at 18:00."""
    found = loop(LIGHT, int(3_600 / every), every)
    assert sum(OVER_LIMIT in codes(decision) for decision in found) == marked
