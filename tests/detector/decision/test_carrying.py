from __future__ import annotations

from dataclasses import replace

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle, make_bundle
from detector.decision.carrying import carry, differences
from detector.decision.decide import decide
from detector.household.state import HouseholdState
from detector.training.fit_model import fit_model
from tests.detector.builders import SURE, hand_bundle, heard, send_message
from tests.detector.town import town

EVENTS = heard(town(households=4, sessions=20), SURE)


def trained_on(events: list[IntentEvent], clones: int = 10) -> Bundle:
    """Return the handmade bundle with another model of sequences, of the same base rates."""
    old = hand_bundle()
    sessions: dict[tuple[str, str], list[IntentEvent]] = {}
    for each in events:
        sessions.setdefault((each.household_id, each.session_id or ""), []).append(each)
    fitted = fit_model([*sessions.values()], seed=clones, clones=clones, iterations=3)
    model = replace(old.model, vocabulary=fitted.vocabulary, sequence=fitted.sequence)
    return make_bundle(model, old.judge, old.calibration, old.policy, report=old.report)


def state_under(bundle: Bundle, events: list[IntentEvent]) -> HouseholdState:
    state = HouseholdState.new(events[0].household_id)
    for each in events:
        state = decide(state, each, bundle, at=each.seconds)[1]
    return state


OTHER = trained_on(EVENTS)


def test_a_conversation_is_rebuilt_as_the_new_bundle_would_have_seen_it() -> None:
    old, compared = trained_on(EVENTS, clones=4), 0
    for name in sorted({each.household_id for each in EVENTS}):
        before = wanted = HouseholdState.new(name)
        for each in (each for each in EVENTS if each.household_id == name):
            before = decide(before, each, old, at=each.seconds)[1]
            wanted = decide(wanted, each, OTHER, at=each.seconds)[1]

            assert carry(before, old, OTHER).sessions == wanted.sessions
            compared += len(wanted.sessions)
    assert compared > 100


def test_what_a_household_learned_and_was_answered_stays() -> None:
    before = state_under(hand_bundle(), heard(send_message(), SURE))

    after = carry(before, hand_bundle(), OTHER)

    assert replace(after, sessions=(), questions=()) == replace(before, sessions=(), questions=())
    assert after.recent == before.recent


def test_a_bundle_with_the_same_sequences_keeps_the_state_itself() -> None:
    old = hand_bundle()
    policy_only = replace(old, version="another")
    state = state_under(old, EVENTS[:5])

    assert carry(state, old, old) is state
    assert carry(state, old, policy_only) is state
    assert differences(old, policy_only).kept


def test_without_the_old_bundle_open_conversations_are_forgotten() -> None:
    state = state_under(hand_bundle(), EVENTS[:5])
    assert state.sessions

    after = carry(state, None, OTHER)

    assert not after.sessions
    assert after.events == state.events


def test_turns_that_the_new_bundle_does_not_know_become_unseen() -> None:
    lacking = trained_on([each for each in EVENTS if each.domain != "messages"])
    state = state_under(hand_bundle(), heard(send_message(), SURE))

    (session,) = carry(state, hand_bundle(), lacking).sessions

    assert set(session.symbols) == {lacking.model.vocabulary.unseen}
    assert ("messages.SendMessage", "affirm") in differences(hand_bundle(), lacking).lost
