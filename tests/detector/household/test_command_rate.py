from __future__ import annotations

from detector.household.command_rate import COMMANDS_AN_HOUR, is_over_limit, with_counted
from detector.household.state import HouseholdState

NEW = HouseholdState.new("h1")
AT = 1_000_000 * 3_600.0


def after(commands: int, at: float = AT, state: HouseholdState = NEW) -> HouseholdState:
    for _ in range(commands):
        state = with_counted(state, at)
    return state


def test_the_command_after_the_limit_exceeds_it() -> None:
    assert not is_over_limit(NEW, AT)
    assert not is_over_limit(after(COMMANDS_AN_HOUR - 1), AT + 3_599)
    assert is_over_limit(after(COMMANDS_AN_HOUR), AT + 3_599)


def test_the_next_hour_begins_at_zero() -> None:
    state = after(1, AT + 3_600, after(COMMANDS_AN_HOUR + 50))
    assert (state.given_in, state.given) == (1_000_001, 1)


def test_a_record_of_the_hour_before_counts_in_the_present_one() -> None:
    state = after(1, AT - 1, after(3))
    assert (state.given_in, state.given) == (1_000_000, 4)


def test_an_hour_of_a_wrong_timestamp_ends_when_the_time_goes_back() -> None:
    state = after(1, AT, after(COMMANDS_AN_HOUR, AT + 86_400))
    assert (state.given_in, state.given) == (1_000_000, COMMANDS_AN_HOUR + 1)
    assert not is_over_limit(state, AT + 3_600)
