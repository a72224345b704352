from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import ConfirmMethod, Reason, Verdict
from detector.contracts.standing import Standing
from detector.decision.decide import decide
from detector.household.state import HouseholdState
from detector.policy.block_budget import MAX_HOUSEHOLDS, BlockWindow, is_block, is_repeat
from detector.policy.policy import BlockBudget
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    START,
    SURE,
    hand_bundle,
    heard,
    run,
    send_message,
)

BUDGET = BlockBudget(share=0.1, least_commands=100, window_seconds=3600.0)


def window(blocked: int, allowed: int, seconds: float = 0.0) -> BlockWindow:
    """Return a window with commands of as many households."""
    return more(BlockWindow(), blocked, allowed, seconds)


def more(
    found: BlockWindow, blocked: int, allowed: int, seconds: float = 0.0, home: str = ""
) -> BlockWindow:
    """Return the window after more commands: new intents of ``home``, or one per household."""
    for number in range(blocked + allowed):
        found = found.after(
            seconds,
            BUDGET,
            household=home or f"home-{number}",
            intent=f"lights.Number{number}",
            blocked=number < blocked,
        )
    return found


def test_the_budget_is_exhausted_above_its_share() -> None:
    assert not window(20, 180).spent(BUDGET, "h1")
    assert window(21, 179).spent(BUDGET, "h1")
    assert window(20, 180).left(BUDGET, 0.0) == pytest.approx(0.0)
    assert window(21, 179).left(BUDGET, 0.0) < 0.0


def test_the_budget_is_not_exhausted_with_few_commands() -> None:
    assert not window(99, 0).spent(BUDGET, "h1")
    assert window(100, 0).spent(BUDGET, "h1")


def test_older_commands_weigh_less() -> None:
    spent = window(100, 0)
    assert not more(spent, 0, 150, 3 * 3600.0).spent(BUDGET, "h1")
    assert spent.left(BUDGET, 0.0) < 0.0
    assert spent.left(BUDGET, 3600.0) == 1.0


def test_a_late_event_does_not_move_the_window_back() -> None:
    one = window(5, 5, seconds=7200.0)
    after = more(one, 0, 1, 0.0)
    assert (after.seconds, after.commands) == (7200.0, one.commands + 1.0)


def test_the_first_block_exhausts_a_budget_of_zero() -> None:
    nothing = replace(BUDGET, share=0.0)
    found = BlockWindow(commands=100.0)
    assert found.left(nothing, 0.0) == 1.0
    assert replace(found, blocks=1.0).left(nothing, 0.0) < 0.0
    assert replace(found, blocks=1.0).spent(nothing, "h1")


@given(
    st.lists(st.tuples(st.integers(0, 600), st.booleans()), max_size=12),
    st.integers(0, 400),
)
@pytest.mark.slow
def test_one_household_never_exhausts_the_budget_of_the_others(
    floods: list[tuple[int, bool]], quiet: int
) -> None:
    found = more(BlockWindow(), 0, quiet)
    for times, blocked in floods:
        found = more(found, times * blocked, times * (not blocked), home="loud")
        assert not found.spent(BUDGET, "quiet")
        assert (
            found.blocks <= 0.25 * BUDGET.share * max(found.commands, BUDGET.least_commands) + 1.0
        )


def test_a_flood_of_accepted_commands_does_not_hide_blocks() -> None:
    flooded = more(window(100, 0), 0, 5_000, home="loud")
    assert flooded.spent(BUDGET, "quiet")


def test_a_households_own_blocks_count_in_full() -> None:
    alone = more(BlockWindow(), 60, 60, home="only")
    assert alone.spent(BUDGET, "only")
    assert not alone.spent(BUDGET, "other")


def test_repeated_blocks_of_an_intent_count_once_per_window() -> None:
    found = BlockWindow()
    for second in range(300):
        found = found.after(
            float(second), BUDGET, household="h1", intent="messages.SendMessage", blocked=True
        )
    assert found.blocks == found.commands == 1.0
    later = found.after(3600.0, BUDGET, household="h1", intent="messages.SendMessage", blocked=True)
    assert later.blocks > 1.0


def test_the_state_is_bounded() -> None:
    found = window(2_000, 0)
    assert len(found.households) == MAX_HOUSEHOLDS
    found = more(found, 2_000, 0, home="loud")
    assert len(found.households["loud"].blocked) == 32


def test_a_repeated_refusal_is_not_counted_as_a_block() -> None:
    bundle = hand_bundle()
    decision, _ = decide(
        HouseholdState.new("h1"), heard(send_message(), ABSURD)[2], bundle, at=START.timestamp()
    )
    assert not is_repeat(decision)
    for code in ("denied_before", "awaiting_confirmation", "too_many_open"):
        reason = Reason(code=code, event_id="e", bits=0.0, text="")
        assert is_repeat(replace(decision, reasons=(reason, *decision.reasons)))


def test_an_exhausted_budget_turns_a_block_into_a_confirm_by_the_safest_method() -> None:
    bundle = hand_bundle()
    before, state = run(heard(send_message(), ABSURD)[:2], bundle)
    last = heard(send_message(), ABSURD)[2]

    blocked, _ = decide(state, last, bundle, at=last.seconds)
    asked, after = decide(state, last, bundle, at=last.seconds, over_budget=True)

    assert blocked.verdict is Verdict.BLOCK
    assert asked.verdict is Verdict.CONFIRM
    assert asked.confirm is not None
    assert asked.confirm.methods == (ConfirmMethod.PIN,)
    assert asked.reasons[0].code == "block_budget"
    assert is_block(blocked)
    assert is_block(asked)
    assert not is_block(before[0])
    assert after.pending[0].standing is Standing.ASKED


def test_an_exhausted_budget_only_affects_blocks() -> None:
    bundle = hand_bundle()
    for wake in (SURE, DOUBTFUL):
        events = heard(send_message(), wake)
        _, state = run(events[:2], bundle)
        assert decide(state, events[2], bundle, at=events[2].seconds) == decide(
            state, events[2], bundle, at=events[2].seconds, over_budget=True
        )


def test_the_softened_decision_is_remembered() -> None:
    bundle = hand_bundle()
    event = heard(send_message(), ABSURD)[2]
    asked, state = decide(
        HouseholdState.new("h1"), event, bundle, at=event.seconds, over_budget=True
    )
    assert decide(state, event, bundle, at=event.seconds)[0] == asked
