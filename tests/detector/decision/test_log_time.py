"""Expiry, windows, rates and the order of learning follow log time, not the device's clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from detector.contracts.confirmations import Refusal, Result
from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent, OutcomeKind
from detector.decision.answers import answer
from detector.decision.decide import apply_outcome, decide
from detector.household.learning import LESSONS_A_DAY
from detector.household.state import HouseholdState
from detector.policy.block_budget import BlockWindow
from detector.policy.policy import BlockBudget
from tests.detector.builders import (
    CONFIRMATION_KEY,
    DOUBTFUL,
    START,
    given_to,
    hand_bundle,
    heard,
    outcome,
    send_message,
)

BUNDLE = hand_bundle()
EXPIRES = BUNDLE.policy.confirmation.expires_seconds
AGAIN = BUNDLE.policy.fatigue.same_again_seconds
UNDO = BUNDLE.policy.undo_window_seconds
AT = START.timestamp()
DAY, YEAR = 86_400.0, 365 * 86_400.0
SAID = heard(send_message(), DOUBTFUL)


def said_at(
    state: HouseholdState,
    at: float,
    number: int = 0,
    *,
    device: float = 0.0,
    wake: float | None = DOUBTFUL,
) -> tuple[Decision, HouseholdState]:
    """Send a message at log time; the device's clock is ``device`` seconds ahead."""
    for turn, each in enumerate(heard(send_message(), wake)):
        said = replace(
            each,
            event_id=f"{number}-{turn}",
            session_id=f"c{number}",
            time=START + timedelta(seconds=at + turn - AT + device),
        )
        decision, state = decide(state, said, BUNDLE, at=at + turn)
    return decision, state


@pytest.fixture
def confirmed() -> HouseholdState:
    """Return a household that was asked at ``AT`` and said yes at once."""
    asked, state = said_at(HouseholdState.new("h1"), AT)
    result, state = answer(state, given_to(asked), BUNDLE, at=AT + 5, key=CONFIRMATION_KEY)
    assert result.result is Result.CONFIRMED
    return state


@pytest.mark.parametrize("device", [0.0, -YEAR, -AGAIN, YEAR])
def test_a_confirmation_expires_by_log_time_only(confirmed: HouseholdState, device: float) -> None:
    soon, _ = said_at(confirmed, AT + AGAIN / 2, 1, device=device)
    assert soon.verdict is Verdict.ALLOW
    assert soon.reasons[0].code == "confirmed_before"
    late, _ = said_at(confirmed, AT + 5 + AGAIN, 1, device=device)
    assert late.verdict is Verdict.CONFIRM


@pytest.mark.parametrize("asked_ahead", [-YEAR, 0.0, 590.0, YEAR])
@pytest.mark.parametrize("answered_ahead", [-YEAR, -170.0, 0.0, YEAR])
def test_no_device_time_extends_or_shortens_a_question(
    asked_ahead: float, answered_ahead: float
) -> None:
    asked, state = said_at(HouseholdState.new("h1"), AT, device=asked_ahead)
    assert asked.confirm is not None
    assert asked.confirm.expires_at == START + timedelta(seconds=2 + EXPIRES)
    for after, wanted in ((EXPIRES, None), (EXPIRES + 1, Refusal.EXPIRED)):
        given = given_to(asked, time=START + timedelta(seconds=after + answered_ahead))
        result, _ = answer(state, given, BUNDLE, at=AT + 2 + after, key=CONFIRMATION_KEY)
        assert result.reason is wanted


def test_backdated_sessions_teach_no_more_than_the_daily_limit() -> None:
    state = HouseholdState.new("h1")
    for number in range(640):
        _, state = said_at(state, AT + 20 * number, number, device=-DAY * (number // 16), wake=None)
    assert state.learned == LESSONS_A_DAY


@pytest.mark.parametrize("device", [5 * YEAR, -5 * YEAR])
def test_a_device_clock_in_another_year_does_not_stop_learning(device: float) -> None:
    _, state = said_at(HouseholdState.new("h1"), AT, 0, device=device, wake=None)
    _, state = said_at(state, AT + DAY, 1, wake=None)
    _, state = said_at(state, AT + 2 * DAY, 2, wake=None)
    assert state.learned == 2


def test_one_wrong_log_timestamp_does_not_stop_learning() -> None:
    """If producers' timestamps are used, one of them may be in 2031."""
    state = HouseholdState.new("h1")
    for number, day in enumerate([0, 1, 5 * 365, 2, 3, 4, 5]):
        _, state = said_at(state, AT + DAY * day, number, wake=None)
    assert state.learned == 6
    assert state.taught_on == int((AT + 5 * DAY) // DAY)
    flooded = state
    for number in range(60):
        _, flooded = said_at(flooded, AT + 5 * DAY + 200 * (number + 1), 100 + number, wake=None)
    assert flooded.learned <= 6 + LESSONS_A_DAY


def test_a_question_with_a_wrong_timestamp_does_not_stay_open_for_years() -> None:
    asked, state = said_at(HouseholdState.new("h1"), AT + 5 * YEAR)
    result, _ = answer(state, given_to(asked), BUNDLE, at=AT, key=CONFIRMATION_KEY)
    assert result.reason is Refusal.EXPIRED


def test_log_time_may_go_backwards_slightly() -> None:
    asked, state = said_at(HouseholdState.new("h1"), AT)
    result, _ = answer(state, given_to(asked), BUNDLE, at=AT - 10, key=CONFIRMATION_KEY)
    assert result.result is Result.CONFIRMED


@pytest.mark.parametrize("device", [-3 * 3600.0, 0.0, 3 * 3600.0])
def test_a_command_undone_within_the_window_teaches_nothing_however_late_the_report(
    device: float,
) -> None:
    _, state = said_at(HouseholdState.new("h1"), AT, 0, device=device, wake=None)
    _, state = said_at(state, AT + 10, 1, wake=None)
    undone = outcome("0-2", OutcomeKind.UNDONE, seconds=device + 20)
    state = apply_outcome(state, undone, at=AT + 20)
    _, state = said_at(state, AT + UNDO + 60, 2, wake=None)
    assert state.learned == 1


def test_a_rejected_device_time_does_not_affect_the_bytes() -> None:
    found = []
    for device in (-YEAR, YEAR):
        decision, state = said_at(HouseholdState.new("h1"), AT, device=device)
        assert decision.clock_replaced
        found.append((decision, replace(state, fingerprints={})))
    assert found[0] == found[1]


def test_a_timestamp_in_the_far_future_does_not_freeze_the_block_budget() -> None:
    budget = BlockBudget(window_seconds=100.0, least_commands=1)
    window = BlockWindow()
    for seconds, number in ((0.0, 1), (5 * YEAR, 2)):
        window = window.after(seconds, budget, household=f"h{number}", intent="a.A", blocked=True)
    assert window.seconds == 100.0
    for number in range(3, 20):
        window = window.after(
            100.0 * number, budget, household=f"h{number}", intent="a.A", blocked=False
        )
    assert window.blocks < 0.01


def test_every_device_time_is_recorded_and_none_is_refused() -> None:
    for years in (-30, 30):
        said: IntentEvent = replace(SAID[0], time=START + timedelta(days=365 * years))
        decision, state = decide(HouseholdState.new("h1"), said, BUNDLE, at=AT)
        assert decision.clock_replaced
        assert state.sessions[0].device_seconds == AT
