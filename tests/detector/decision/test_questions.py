"""What a question is bound to. Whole conversations are cases of ``tests/golden/decisions``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from detector.contracts.confirmations import (
    Refusal,
    Result,
)
from detector.contracts.decisions import ConfirmMethod, Decision, Verdict
from detector.contracts.events import Act, IntentEvent, OutcomeKind
from detector.decision.decide import apply_outcome, decide
from detector.household.state import MAX_QUESTIONS, HouseholdState
from tests.detector.builders import (
    DOUBTFUL,
    START,
    dialogue,
    event,
    given_to,
    hand_bundle,
    heard,
    outcome,
    policy,
    run,
    send_message,
)
from tests.detector.decision.asking import BUNDLE, asked, taken


def test_an_outcome_closes_the_question() -> None:
    decision, state = asked()
    state = apply_outcome(
        state,
        outcome("e2", OutcomeKind.DENIED),
        at=outcome("e2", OutcomeKind.DENIED).time.timestamp(),
    )
    assert taken(state, given_to(decision))[0].reason is Refusal.ALREADY_ANSWERED
    _, state = asked()
    state = apply_outcome(
        state,
        outcome("e2", OutcomeKind.EXPIRED),
        at=outcome("e2", OutcomeKind.EXPIRED).time.timestamp(),
    )
    assert taken(state, given_to(decision))[0].reason is Refusal.EXPIRED


def test_new_slots_supersede_the_question() -> None:
    decision, state = asked()
    corrected = heard(send_message(3, contact="k1_bob"), DOUBTFUL)
    again, state = run(corrected, BUNDLE, state)
    assert taken(state, given_to(decision))[0].reason is Refusal.SUPERSEDED
    assert taken(state, given_to(again[-1]))[0].result is Result.CONFIRMED


def test_while_a_question_is_open_the_same_command_gets_the_same_one() -> None:
    decision, state = asked()
    right = dialogue(("messages.SendMessage", Act.AFFIRM, True), first=3, wake_confidence=DOUBTFUL)
    repeated, after = run(right, BUNDLE, state)
    assert repeated[0].confirm is not None
    assert decision.confirm is not None
    assert repeated[0].confirm.confirmation_id == decision.confirm.confirmation_id
    assert repeated[0].confirm.expires_at == decision.confirm.expires_at
    assert len(after.questions) == 1


def commands(number: int) -> list[Any]:
    """Return this many different commands within a minute."""
    return [
        event(
            each,
            time=START + timedelta(seconds=each),
            session_id=f"s{each}",
            commits=True,
            slots={"contact": f"k1_{each}"},
            wake_confidence=DOUBTFUL,
        )
        for each in range(number)
    ]


def test_commands_beyond_the_limit_of_open_questions_are_blocked() -> None:
    decisions, state = run(commands(9), BUNDLE)
    verdicts = [decision.verdict for decision in decisions]
    assert verdicts == [Verdict.CONFIRM] * 3 + [Verdict.BLOCK] * 6
    assert {decision.reasons[0].code for decision in decisions[3:]} == {"too_many_open"}
    later = replace(
        commands(1)[0], event_id="later", time=START + timedelta(seconds=90), session_id="s99"
    )
    assert run([later], BUNDLE, state)[0][0].verdict is Verdict.CONFIRM


def test_remembered_questions_are_bounded() -> None:
    state = HouseholdState.new("h1")
    for number, each in enumerate(commands(40)):
        _, state = decide(
            state,
            replace(each, time=START + timedelta(minutes=2 * number)),
            BUNDLE,
            at=replace(each, time=START + timedelta(minutes=2 * number)).seconds,
        )
    assert len(state.questions) == MAX_QUESTIONS


def test_without_a_confirmation_key_no_method_with_a_proof_is_offered() -> None:
    offered = decide_without_a_key(heard(send_message(), DOUBTFUL))
    assert offered.verdict is Verdict.CONFIRM
    assert offered.confirm is not None
    assert offered.confirm.methods == (ConfirmMethod.CHALLENGE,)


def test_without_a_confirmation_key_a_command_that_needs_a_proof_is_blocked_with_a_reason() -> None:
    unlock = dialogue(
        ("locks.Unlock", Act.INITIATE, True, {"door": "k1_d"}), wake_confidence=DOUBTFUL
    )
    assert run(unlock, BUNDLE)[0][-1].verdict is Verdict.CONFIRM
    blocked = decide_without_a_key(unlock)
    assert (blocked.verdict, blocked.confirm) == (Verdict.BLOCK, None)
    assert blocked.reasons[0].code == "no_key_for_proofs"


def decide_without_a_key(events: Sequence[IntentEvent]) -> Decision:
    state = HouseholdState.new("h1")
    for each in events:
        decision, state = decide(state, each, BUNDLE, at=each.seconds, proofs=False)
    return decision


def test_in_shadow_mode_a_denied_command_still_runs() -> None:
    shadow = hand_bundle(rules=policy(enforcement='"shadow"'))
    _, state = run(heard(send_message(), DOUBTFUL), shadow)
    state = apply_outcome(
        state,
        outcome("e2", OutcomeKind.DENIED),
        at=outcome("e2", OutcomeKind.DENIED).time.timestamp(),
    )
    decision = run(heard(send_message(3), DOUBTFUL), shadow, state)[0][-1]
    assert (decision.verdict, decision.effective_verdict) == (Verdict.BLOCK, Verdict.ALLOW)
