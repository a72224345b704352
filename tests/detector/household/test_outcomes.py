"""Outcomes never authorise a command, reopen a question or teach a command that was not allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detector.contracts.confirmations import ConfirmationAnswer, Result, proof_of
from detector.contracts.decisions import ConfirmMethod, Verdict
from detector.contracts.events import Act, IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.contracts.outcome_table import OutcomeRefused
from detector.contracts.standing import Standing
from detector.decision.answers import answer
from detector.decision.decide import apply_outcome, decide
from detector.household.early_outcomes import refused_early
from detector.household.outcomes import report
from detector.household.standings import standing_of
from detector.household.state import MAX_PENDING, HouseholdState
from tests.detector.builders import (
    ABSURD,
    CONFIRMATION_KEY,
    DOUBTFUL,
    START,
    SURE,
    confirmed,
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

BUNDLE = hand_bundle()
SHADOW = hand_bundle(rules=policy(enforcement='"shadow"'))
SEND, UNLOCK = "messages.SendMessage", "locks.Unlock"
SLOTS = {"door": "k1_front", "for": "k1_guest"}
EXECUTED, CONFIRMED, DENIED, UNDONE, EXPIRED = OutcomeKind
AT = START.timestamp() + 30


def unlock(number: int, slots: dict[str, str] | None = None, **fields: Any) -> list[IntentEvent]:
    turn = (UNLOCK, Act.INITIATE, True, SLOTS if slots is None else slots)
    return dialogue(turn, first=number, wake_confidence=DOUBTFUL, **fields)


def current_standing(state: HouseholdState, event_id: str = "e2", at: float = AT) -> Standing:
    return standing_of(state, event_id, at=at)


@pytest.mark.parametrize("source", OutcomeSource)
@pytest.mark.parametrize("session", ["s1", "s2"])
@pytest.mark.parametrize("before", [(), (DENIED,), (EXPIRED,)], ids=str)
def test_an_outcome_never_confirms_a_command(
    before: Sequence[OutcomeKind], session: str, source: OutcomeSource
) -> None:
    """Version 0.1.0 allowed a command after the report of ``confirmed`` alone."""
    _, state = run(unlock(0), BUNDLE)
    for kind in before:
        state = apply_outcome(state, outcome("e0", kind), at=AT)
    reason, after = report(state, outcome("e0", CONFIRMED, source=source), at=AT)
    assert (reason, after) == (OutcomeRefused.UNCHECKED, state)
    (again,), _ = run(unlock(3, session=session), BUNDLE, after)
    assert again.verdict is not Verdict.ALLOW
    assert "confirmed_before" not in [each.code for each in again.reasons]


def test_an_outcome_after_expiry_never_confirms_a_command() -> None:
    _, state = run(unlock(0), BUNDLE)
    late = AT + 100
    assert current_standing(state, "e0") is Standing.ASKED
    assert current_standing(state, "e0", late) is Standing.EXPIRED
    for kind in (CONFIRMED, EXECUTED, DENIED):
        _, after = report(state, outcome("e0", kind), at=late)
        assert after == state


RAN = [
    (wake, kind, early)
    for wake in (DOUBTFUL, ABSURD)
    for kind in (EXECUTED, UNDONE)
    for early in (False, True)
]


@pytest.mark.parametrize(("wake", "kind", "early"), RAN)
def test_a_command_that_ran_despite_refusal_is_reported_and_teaches_nothing(
    wake: float, kind: OutcomeKind, early: bool
) -> None:
    events, reported = heard(send_message(), wake), outcome("e2", kind)
    _, before = run(events[:2], BUNDLE)
    if early:
        before = apply_outcome(before, reported, at=AT)
    decision, state = decide(before, events[2], BUNDLE, at=events[2].seconds)
    if early:
        assert list(refused_early(before, events[2], decision)) == [
            (before.early[0], OutcomeRefused.RAN_REFUSED)
        ]
        assert state.early == ()
    else:
        assert report(state, reported, at=AT) == (OutcomeRefused.RAN_REFUSED, state)
    assert current_standing(state) in (Standing.ASKED, Standing.BLOCKED)


def test_an_early_outcome_is_dropped_when_its_event_turns_out_to_have_no_command() -> None:
    before = apply_outcome(HouseholdState.new("h1"), outcome("e0", EXECUTED), at=AT)
    decision, state = decide(before, event(0), BUNDLE, at=START.timestamp())
    ((_, reason),) = refused_early(before, event(0), decision)
    assert (reason, state.early) == (OutcomeRefused.NOT_A_COMMAND, ())
    assert report(state, outcome("e0", EXECUTED), at=AT)[0] is OutcomeRefused.NOT_A_COMMAND


def test_an_early_outcome_reported_twice_is_kept_once() -> None:
    state = HouseholdState.new("h1")
    for _ in range(2):
        state = apply_outcome(state, outcome("e0", EXECUTED), at=AT)
    assert len(state.early) == 1


def test_an_early_outcome_teaches_no_sooner_than_a_later_one() -> None:
    """The outcome arrives while the command's session is open, before its undo window ends."""
    (light,) = dialogue(("lights.TurnOn", Act.INITIATE, True), wake_confidence=SURE)
    state = apply_outcome(HouseholdState.new("h1"), outcome("e0", EXECUTED), at=light.seconds)
    _, state = run([light], BUNDLE, state)
    assert (current_standing(state, "e0"), state.learned) == (Standing.EXECUTED, 0)


def test_a_confirmed_and_executed_command_is_learned_once() -> None:
    decisions, state = run(heard(send_message(), DOUBTFUL), BUNDLE)
    state = confirmed(decisions[-1], BUNDLE, state)
    for kind in (CONFIRMED, EXECUTED, EXECUTED):
        reason, state = report(state, outcome("e2", kind), at=AT)
        assert reason is None
    _, state = run(
        dialogue((SEND, Act.INITIATE, False), first=90, session="next", days=1.0), BUNDLE, state
    )
    assert (state.learned, set(state.intents)) == (1, {SEND})
    assert current_standing(state) is Standing.LEARNED
    for kind in (UNDONE, DENIED, EXPIRED):
        reason, after = report(state, outcome("e2", kind), at=AT)
        assert (reason, replace(after, questions=state.questions)) == (
            OutcomeRefused.ALREADY_LEARNED,
            state,
        )


def test_a_command_confirmed_after_its_session_is_learned_at_once() -> None:
    decisions, state = run(heard(send_message(), DOUBTFUL), BUNDLE)
    state = replace(state, sessions=())
    assert confirmed(decisions[-1], BUNDLE, state).learned == 1


@pytest.mark.parametrize("kind", [DENIED, UNDONE, EXPIRED])
def test_a_confirmation_is_withdrawn_by_a_later_denial(kind: OutcomeKind) -> None:
    decisions, state = run(unlock(0), BUNDLE)
    state = confirmed(decisions[-1], BUNDLE, state)
    assert run(unlock(3, session="s2"), BUNDLE, state)[0][0].verdict is Verdict.ALLOW
    state = apply_outcome(state, outcome("e0", kind), at=AT)
    again = run(unlock(3, session="s2"), BUNDLE, state)[0][0]
    assert again.verdict is (Verdict.BLOCK if kind is DENIED else Verdict.CONFIRM)
    (question,) = state.questions
    assert question.answered_by is None


@pytest.mark.parametrize(
    "slots",
    [
        {"for": "k1_guest"},
        {"door": "k1_front"},
        {},
        {**SLOTS, "until": "k1_x"},
        {**SLOTS, "door": "k1_back"},
    ],
    ids=str,
)
@pytest.mark.parametrize("session", ["s1", "s2"])
def test_a_confirmation_is_valid_for_exactly_its_slots(slots: dict[str, str], session: str) -> None:
    decisions, state = run(unlock(0), BUNDLE)
    state = confirmed(decisions[-1], BUNDLE, state)
    assert (
        run(unlock(3, session=session), BUNDLE, state)[0][0].reasons[0].code == "confirmed_before"
    )
    assert run(unlock(3, slots, session=session), BUNDLE, state)[0][0].verdict is not Verdict.ALLOW


@pytest.mark.parametrize("slots", [{"for": "k1_guest"}, {}], ids=str)
def test_a_command_with_fewer_slots_gets_its_own_question(slots: dict[str, str]) -> None:
    (first,), state = run(unlock(0), BUNDLE)
    (second,), state = run(unlock(3, slots), BUNDLE, state)
    assert first.confirm is not None
    assert second.confirm is not None
    assert second.confirm.confirmation_id != first.confirm.confirmation_id
    assert second.confirm.slots == slots


def test_a_command_that_a_gateway_allowed_teaches_nothing_if_the_worker_would_have_confirmed() -> (
    None
):
    _, state = run(heard(send_message(), DOUBTFUL), BUNDLE)
    state = apply_outcome(state, outcome("e2", EXECUTED, source=OutcomeSource.GATEWAY), at=AT)
    assert current_standing(state) is Standing.LET_RUN
    assert state.questions[0].state == "over"
    reason, state = report(state, outcome("e2", EXECUTED), at=AT)
    assert (reason, current_standing(state)) == (None, Standing.LET_RUN)


def test_a_question_stays_open_when_a_gateway_did_not_run_the_command() -> None:
    """The gateway asked the same question under the same id, so the user can still answer it."""
    decisions, state = run(heard(send_message(), DOUBTFUL), BUNDLE)
    state = apply_outcome(state, outcome("e2", EXPIRED, source=OutcomeSource.GATEWAY), at=AT)
    assert current_standing(state) is Standing.ASKED
    assert current_standing(confirmed(decisions[-1], BUNDLE, state)) is Standing.CONFIRMED


@pytest.mark.parametrize("wake", [DOUBTFUL, ABSURD])
def test_in_shadow_mode_a_command_that_would_be_held_back_runs_and_teaches_nothing(
    wake: float,
) -> None:
    _, state = run(heard(send_message(), wake), SHADOW)
    assert current_standing(state) is Standing.LET_RUN
    reason, state = report(state, outcome("e2", EXECUTED), at=AT)
    assert reason is None
    _, state = run(
        dialogue((SEND, Act.INITIATE, False), first=90, session="n", days=1.0), SHADOW, state
    )
    assert state.learned == 0


def test_an_event_decided_twice_is_remembered_once() -> None:
    _, state = run(unlock(0), BUNDLE)
    others = [event(number, session_id="s9") for number in range(10, 20)]
    _, state = run([*others, *unlock(0)], BUNDLE, state)
    assert [pending.event_id for pending in state.pending] == ["e0"]


#: Neither command is ever allowed: unlocking needs a confirmation, since no household of the
#: training data does it, and the message is absurd.
COMMANDS = st.builds(
    lambda number, intent, session, slots, act: event(
        event_id=f"e{number}",
        intent=intent,
        act=act,
        commits=True,
        session_id=session,
        slots=slots,
        wake_confidence=ABSURD,
    ),
    st.integers(0, 5),
    st.sampled_from([UNLOCK, SEND]),
    st.sampled_from(["s1", "s2"]),
    st.sampled_from([{}, {"door": "k1_front"}, SLOTS]),
    st.sampled_from([Act.INITIATE, Act.AFFIRM]),
)
REPORTS = st.builds(
    lambda number, kind, source: outcome(f"e{number}", kind, source=source),
    st.integers(0, 5),
    st.sampled_from(OutcomeKind),
    st.sampled_from(OutcomeSource),
)
UNCHECKED = st.builds(
    lambda number, method, session, slots, proof: ConfirmationAnswer(
        confirmation_id=f"e{number}",
        answer_id=f"a{number}",
        household_id="h1",
        session_id=session,
        intent=UNLOCK,
        method=method,
        accepted=True,
        time=START,
        slots=slots,
        proof=proof,
    ),
    st.integers(0, 5),
    st.sampled_from(ConfirmMethod),
    st.sampled_from(["s1", "s2"]),
    st.sampled_from([{}, {"door": "k1_front"}, SLOTS]),
    st.sampled_from([None, "receipt-17", "0" * 64]),
)


@settings(max_examples=4 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(0, 400), COMMANDS | REPORTS | UNCHECKED), max_size=25),
    st.sampled_from([None, b"the key of the tests"]),
    st.sampled_from([BUNDLE, SHADOW]),
)
def test_only_a_checked_answer_releases_or_teaches_a_command_that_was_not_allowed(
    steps: list[tuple[int, IntentEvent | Outcome | ConfirmationAnswer]],
    key: bytes | None,
    bundle: Any,
) -> None:
    """The judge allows none of these events, so none is ever allowed and nothing is learned."""
    state, at = HouseholdState.new("h1"), START.timestamp()
    for later, step in steps:
        at += later
        if isinstance(step, IntentEvent):
            moved = replace(step, time=START + timedelta(seconds=at - START.timestamp()))
            decision, state = decide(state, moved, bundle, at=at, proofs=key is not None)
            assert decision.verdict is not Verdict.ALLOW
        elif isinstance(step, Outcome):
            reason, after = report(state, step, at=at)
            assert reason is None or after == state
            state = after
        else:
            named = [
                each.confirmation_id
                for each in state.questions
                if each.event_id == step.confirmation_id
            ]
            said = replace(step, confirmation_id=named[-1]) if named else step
            result, state = answer(state, said, bundle, at=at, key=key)
            assert result.result is Result.REFUSED
    closing = event(99, time=START + timedelta(days=9), session_id="closing")
    _, state = decide(state, closing, bundle, at=closing.seconds)
    assert (state.learned, state.taught, state.intents) == (0, 0, {})


def test_the_test_helper_makes_a_valid_answer() -> None:
    """The answers of the property above are refused only because they have no proof."""
    (decision,), state = run(unlock(0), BUNDLE)
    said = given_to(decision)
    assert (
        answer(state, said, BUNDLE, at=AT, key=b"the key of the tests")[0].result
        is Result.CONFIRMED
    )


def after_yes(method: ConfirmMethod = ConfirmMethod.PIN) -> HouseholdState:
    (decision,), state = run(unlock(0), BUNDLE)
    assert decision.confirm is not None
    name = str(decision.confirm.confirmation_id)
    said = given_to(
        decision, method=method, proof=proof_of(CONFIRMATION_KEY, name, method), time=START
    )
    result, state = answer(state, said, BUNDLE, at=START.timestamp() + 5, key=CONFIRMATION_KEY)
    assert result.result is Result.CONFIRMED
    return state


def codes_of(events: Sequence[IntentEvent], state: HouseholdState) -> tuple[Verdict, str]:
    decision, _ = decide(state, events[0], BUNDLE, at=events[0].seconds)
    return decision.verdict, decision.reasons[0].code


@pytest.mark.parametrize("kind", [DENIED, UNDONE])
@pytest.mark.parametrize("ran", [False, True])
def test_a_denial_revokes_the_earlier_confirmation_that_allowed_the_command(
    kind: OutcomeKind, ran: bool
) -> None:
    _, state = run(unlock(1, session="s2"), BUNDLE, after_yes())
    if ran:
        state = apply_outcome(state, outcome("e1", EXECUTED), at=AT)
    assert codes_of(unlock(4, session="s3"), state) == (Verdict.ALLOW, "confirmed_before")
    state = apply_outcome(state, outcome("e1", kind), at=AT)
    assert codes_of(unlock(4, session="s3"), state)[0] is Verdict.CONFIRM


@pytest.mark.parametrize("event_id", ["e0", "e1"])
def test_a_denial_after_learning_revokes_the_confirmation_too(
    event_id: str,
) -> None:
    _, state = run(unlock(1, session="s2"), BUNDLE, after_yes())
    later = dialogue(
        ("weather.GetWeather", Act.INITIATE, False), first=9, session="s4", days=130 / 86400
    )
    _, state = run(later, BUNDLE, state)
    again = unlock(8, session="s3", days=150 / 86400)
    assert codes_of(again, state) == (Verdict.ALLOW, "confirmed_before")
    reason, state = report(state, outcome(event_id, UNDONE), at=START.timestamp() + 140)
    assert reason is OutcomeRefused.ALREADY_LEARNED
    assert codes_of(again, state)[0] is Verdict.CONFIRM


def test_a_denial_of_one_question_revokes_the_confirmation_of_the_other() -> None:
    (first,), state = run(unlock(0), BUNDLE)
    (second,), state = run(unlock(1, session="s2"), BUNDLE, state)
    state = confirmed(second, BUNDLE, state, at=AT)
    no = given_to(first, accepted=False, answer_id="a2", proof=None)
    result, state = answer(state, no, BUNDLE, at=AT + 1)
    assert result.result is Result.DENIED
    assert codes_of(unlock(4, session="s3"), state)[0] is not Verdict.ALLOW


def test_a_confirmation_is_valid_only_if_its_method_suffices_for_the_repeated_command() -> None:
    state = after_yes()
    assert codes_of(unlock(1, session="s2"), state) == (Verdict.ALLOW, "confirmed_before")
    absurd = heard(unlock(1, session="s2"), ABSURD)
    assert codes_of(absurd, state)[0] is Verdict.CONFIRM
    older = replace(
        state, questions=tuple(replace(each, answered_with=None) for each in state.questions)
    )
    assert codes_of(unlock(1, session="s2"), older)[0] is Verdict.CONFIRM


@pytest.mark.parametrize("wake", [SURE, DOUBTFUL, ABSURD])
def test_other_commands_do_not_evict_a_command_held_back_in_an_open_conversation(
    wake: float,
) -> None:
    """Sixteen other commands must not displace a command that was never confirmed."""
    _, state = run(heard(send_message(), DOUBTFUL), BUNDLE)
    for number in range(2 * MAX_PENDING):
        other = event(
            100 + number,
            time=START + timedelta(seconds=30 + number),
            session_id=f"other{number % 3}",
            intent="lights.TurnOn",
            commits=True,
            wake_confidence=wake,
        )
        _, state = run([other], BUNDLE, state)
    assert len(state.pending) == MAX_PENDING
    for again in (
        dialogue((SEND, Act.AFFIRM, True), first=7, days=0.001, wake_confidence=SURE),
        heard(send_message(7, days=0.001), SURE),
    ):
        decision = run(again, BUNDLE, state)[0][-1]
        assert decision.verdict is not Verdict.ALLOW


def test_a_command_blocked_long_ago_does_not_prevent_learning() -> None:
    state = HouseholdState.new("h1")
    for number in range(2 * MAX_PENDING):
        absurd = heard(send_message(10 * number, session=f"b{number}", days=number * 0.1), ABSURD)
        _, state = run(absurd, BUNDLE, state)
    for number in range(3):
        meant = heard(
            send_message(900 + 10 * number, session=f"m{number}", days=9.0 + number), SURE
        )
        _, state = run(meant, BUNDLE, state)
    assert state.learned == 2
