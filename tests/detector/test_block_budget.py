from __future__ import annotations

from detector.block_budget import BlockWindow, is_block
from detector.decisions import ConfirmMethod, Verdict
from detector.pipeline import decide
from detector.policy import BlockBudget
from detector.state import HouseholdState
from tests.detector.builders import ABSURD, DOUBTFUL, SURE, hand_bundle, heard, run, send_message

BUDGET = BlockBudget(share=0.1, least_commands=100, window_seconds=3600.0)


def window(blocked: int, allowed: int, seconds: float = 0.0) -> BlockWindow:
    found = BlockWindow()
    for number in range(blocked + allowed):
        found = found.after(seconds, BUDGET, blocked=number < blocked)
    return found


def test_it_is_spent_past_the_share() -> None:
    assert not window(20, 180).spent(BUDGET)
    assert window(21, 179).spent(BUDGET)


def test_few_commands_say_nothing_yet() -> None:
    assert not window(99, 0).spent(BUDGET)
    assert window(100, 0).spent(BUDGET)


def test_what_is_long_ago_counts_less() -> None:
    spent = window(100, 0)
    for _ in range(150):
        spent = spent.after(3 * 3600.0, BUDGET, blocked=False)
    assert not spent.spent(BUDGET)


def test_an_event_from_the_past_makes_nothing_younger() -> None:
    one = window(5, 5, seconds=7200.0)
    after = one.after(0.0, BUDGET, blocked=False)
    assert (after.seconds, after.commands) == (7200.0, one.commands + 1.0)


def test_past_the_budget_a_block_is_asked_about_by_the_safest_way_and_says_so() -> None:
    bundle = hand_bundle()
    before, state = run(heard(send_message(), ABSURD)[:2], bundle)
    last = heard(send_message(), ABSURD)[2]

    blocked, _ = decide(state, last, bundle)
    asked, after = decide(state, last, bundle, over_budget=True)

    assert blocked.verdict is Verdict.BLOCK
    assert asked.verdict is Verdict.CONFIRM
    assert asked.confirm is not None
    assert asked.confirm.methods == (ConfirmMethod.PIN,)
    assert asked.reasons[0].code == "block_budget"
    assert is_block(blocked)
    assert is_block(asked)
    assert not is_block(before[0])
    assert after.pending[0].allowed is False


def test_the_budget_changes_nothing_else() -> None:
    bundle = hand_bundle()
    for wake in (SURE, DOUBTFUL):
        events = heard(send_message(), wake)
        _, state = run(events[:2], bundle)
        assert decide(state, events[2], bundle) == decide(state, events[2], bundle, over_budget=True)


def test_it_is_the_decision_that_is_remembered() -> None:
    bundle = hand_bundle()
    event = heard(send_message(), ABSURD)[2]
    asked, state = decide(HouseholdState.new("h1"), event, bundle, over_budget=True)
    assert decide(state, event, bundle)[0] == asked
