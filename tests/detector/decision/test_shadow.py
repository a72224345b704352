from __future__ import annotations

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.labelled_outcomes import reveal
from detector.decision.shadow import decide_in_shadow, settle_in_shadow
from detector.household.state import HouseholdState
from tests.detector.builders import SURE, event, hand_bundle, hand_judge, heard
from tests.detector.town import town

EVENTS = heard(town(households=4, sessions=20), SURE)
#: A command is held back when it is committed for the first time in a household.
CAREFUL = hand_bundle(judge=hand_judge("intent_count", edges=(0.0, 0.5), bits=(6.0, -6.0, -6.0)))


def beside(active: Bundle, shadow: Bundle) -> list[tuple[Decision, Decision]]:
    """Let one bundle decide and another shadow it; every command is executed or confirmed."""
    states: dict[str, HouseholdState] = {}
    shadows: dict[str, HouseholdState] = {}
    found = []
    for each in EVENTS:
        new = HouseholdState.new(each.household_id)
        before = states.get(each.household_id, new)
        decision, after = decide(before, each, active, at=each.seconds)
        seen, own = decide_in_shadow(
            shadows.get(each.household_id, new), before, each, shadow, at=each.seconds
        )
        if each.commits:
            after = reveal(after, each.event_id, meant=True, at=each.seconds)
            own = settle_in_shadow(own, after, each.event_id, at=each.seconds)
        states[each.household_id], shadows[each.household_id] = after, own
        found.append((decision, seen))
    return found


def test_a_bundle_shadowing_itself_makes_the_same_decisions() -> None:
    for bundle in (hand_bundle(), CAREFUL):
        pairs = beside(bundle, bundle)

        assert len(pairs) == len(EVENTS)
        assert all(active == shadow for active, shadow in pairs)


def test_a_shadow_bundle_decides_as_it_would_alone() -> None:
    """Both let the household learn alike here, because every question is confirmed."""
    alone = [active for active, _ in beside(CAREFUL, CAREFUL)]

    assert [shadow for _, shadow in beside(hand_bundle(), CAREFUL)] == alone
    assert {decision.verdict for decision in alone} > {Verdict.ALLOW}


def test_the_active_state_does_not_change() -> None:
    said: list[IntentEvent] = [event(1), event(2, commits=True)]
    states = [HouseholdState.new("h1")]
    for each in said:
        kept = repr(states[-1])
        decide_in_shadow(HouseholdState.new("h1"), states[-1], each, CAREFUL, at=each.seconds)
        assert repr(states[-1]) == kept
        states.append(decide(states[-1], each, hand_bundle(), at=each.seconds)[1])
