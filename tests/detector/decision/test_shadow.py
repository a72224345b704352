from __future__ import annotations

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.labelled_outcomes import reveal
from detector.decision.shadow import chain_in_shadow, decide_in_shadow
from detector.household.state import HouseholdState
from tests.detector.builders import SURE, event, hand_bundle, hand_judge, heard, send_message
from tests.detector.decision.test_carrying import OTHER, trained_on
from tests.detector.rules import rule, rule_set
from tests.detector.town import town

EVENTS = heard(town(households=4, sessions=20), SURE)
#: A command is held back when it is committed for the first time in a household.
CAREFUL = hand_bundle(judge=hand_judge("intent_count", edges=(0.0, 0.5), bits=(6.0, -6.0, -6.0)))

#: The same as ``OTHER``, with another sequence model.
FEWER_CLONES = trained_on(EVENTS, clones=4)


def beside(active: Bundle, shadow: Bundle) -> list[tuple[Decision, Decision]]:
    """Let one bundle decide and another shadow it; every command is executed or confirmed."""
    states: dict[str, HouseholdState] = {}
    found = []
    for each in EVENTS:
        before = states.get(each.household_id, HouseholdState.new(each.household_id))
        decision, after = decide(before, each, active, at=each.seconds)
        seen = decide_in_shadow(before, active, each, shadow, at=each.seconds)
        if each.commits:
            after = reveal(after, each.event_id, meant=True, at=each.seconds)
        states[each.household_id] = after
        found.append((decision, seen))
    return found


def test_a_bundle_shadowing_itself_makes_the_same_decisions() -> None:
    for bundle in (hand_bundle(), CAREFUL):
        pairs = beside(bundle, bundle)

        assert len(pairs) == len(EVENTS)
        assert all(active == shadow for active, shadow in pairs)


def test_a_shadow_bundle_with_another_sequence_model_decides_as_it_would_alone() -> None:
    """Every question is confirmed, and the judge is the same, so both let a household learn."""
    alone = [active for active, _ in beside(OTHER, OTHER)]

    assert [shadow for _, shadow in beside(FEWER_CLONES, OTHER)] == alone
    assert [active for active, _ in beside(FEWER_CLONES, OTHER)] != alone


def test_a_more_careful_shadow_would_have_asked() -> None:
    pairs = [pair for pair in beside(hand_bundle(), CAREFUL) if pair[0].verdict is Verdict.ALLOW]

    assert {shadow.verdict for _, shadow in pairs} > {Verdict.ALLOW}


def test_the_active_state_does_not_change() -> None:
    said: list[IntentEvent] = [event(1), event(2, commits=True)]
    states = [HouseholdState.new("h1")]
    for each in said:
        kept = repr(states[-1])
        decide_in_shadow(states[-1], hand_bundle(), each, CAREFUL, at=each.seconds)
        assert repr(states[-1]) == kept
        states.append(decide(states[-1], each, hand_bundle(), at=each.seconds)[1])


def test_rules_change_the_verdict_of_a_shadow() -> None:
    command = event(1, intent="lights.TurnOn", commits=True)
    rules = rule_set(rule(intent="lights.*"), rule(rule_id="r2", intent="music.*"))
    matching = rules.only(command.intent, command.device_id, command.seconds)

    found = [
        decide_in_shadow(
            HouseholdState.new("h1"), None, command, CAREFUL, at=command.seconds, rules=each
        )
        for each in (rules, matching)
    ]

    assert [each.rule_id for each in matching.rules] == ["r1"]
    assert found[0] == found[1]
    assert (found[0].verdict, found[0].rules) == (Verdict.BLOCK, rules.version)


def test_the_turns_of_a_chain_in_shadow_add_up_to_its_surprisal() -> None:
    state, longest = HouseholdState.new("h1"), 0
    for each in send_message():
        given = state, FEWER_CLONES, each, OTHER
        bits = chain_in_shadow(*given, at=each.seconds)
        seen = decide_in_shadow(*given, at=each.seconds)
        assert (bits[-1], round(sum(bits), 6)) == (seen.event_bits, seen.surprisal_bits)
        longest = max(longest, len(bits))
        state = decide(state, each, FEWER_CLONES, at=each.seconds)[1]
    assert longest == 3
