"""What an answer must match. Whole conversations are cases of ``tests/golden/decisions``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.challenge_words import words_in
from detector.contracts.confirmations import (
    ConfirmationAnswer,
    Refusal,
    Result,
    proof_of,
)
from detector.contracts.decisions import ConfirmMethod, Verdict
from detector.contracts.errors import InvalidValue
from detector.contracts.events import Act, IntentEvent
from detector.contracts.standing import MEANT, Standing
from detector.decision.answers import MAX_ATTEMPTS, recall
from detector.decision.confirmation_ids import confirmation_id
from detector.household.state import MAX_QUESTIONS
from tests.detector.builders import (
    CONFIRMATION_KEY as KEY,
)
from tests.detector.builders import (
    DOUBTFUL,
    START,
    SURE,
    dialogue,
    event,
    given_to,
    heard,
    run,
    send_message,
)
from tests.detector.decision.asking import BUNDLE, asked, taken


@pytest.mark.parametrize("accepted", [True, False])
def test_an_answer_settles_the_command(accepted: bool) -> None:
    decision, state = asked()
    result, after = taken(state, given_to(decision, accepted=accepted))
    assert (result.result, result.event_id, result.reason) == (
        Result.CONFIRMED if accepted else Result.DENIED,
        "e2",
        None,
    )
    (pending,) = after.pending
    assert pending.standing is (Standing.CONFIRMED if accepted else Standing.DENIED)
    assert after.questions[0].session is None


WRONG: dict[str, tuple[dict[str, Any], Refusal]] = {
    "another session": ({"session_id": "s9"}, Refusal.OTHER_SESSION),
    "another intent": ({"intent": "messages.SendPhoto"}, Refusal.OTHER_INTENT),
    "another slot value": ({"slots": {"contact": "k1_eve"}}, Refusal.CHANGED_SLOTS),
    "a missing slot": ({"slots": {}}, Refusal.CHANGED_SLOTS),
    "an extra slot": ({"slots": {"contact": "k1_a44e", "copy": "k1_eve"}}, Refusal.CHANGED_SLOTS),
    "a second too late": ({"time": START + timedelta(seconds=81)}, Refusal.EXPIRED),
    "a method that was not offered": ({"method": ConfirmMethod.SPOKEN}, Refusal.METHOD_NOT_OFFERED),
    "no proof": ({"proof": None}, Refusal.PROOF_MISSING),
    "an invalid proof": ({"proof": "checked"}, Refusal.PROOF_WRONG),
    "a proof for another method": ({"method": ConfirmMethod.PHONE_PUSH}, Refusal.PROOF_WRONG),
    "no words": ({"method": ConfirmMethod.CHALLENGE}, Refusal.WRONG_WORDS),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_mismatched_answer_is_refused_and_changes_only_the_attempts(what: str) -> None:
    decision, state = asked()
    fields, reason = WRONG[what]
    result, after = taken(state, given_to(decision, **fields))
    assert (result.result, result.reason) == (Result.REFUSED, reason)
    assert result.text
    assert (after.pending, after.learned) == (state.pending, state.learned)
    assert taken(after, given_to(decision))[0].result is Result.CONFIRMED


NOTHING_BUT_TALK: dict[ConfirmMethod, Refusal] = {
    ConfirmMethod.SPOKEN: Refusal.METHOD_NOT_OFFERED,
    ConfirmMethod.CHALLENGE: Refusal.WRONG_WORDS,
    ConfirmMethod.PHONE_PUSH: Refusal.PROOF_MISSING,
    ConfirmMethod.PIN: Refusal.PROOF_MISSING,
}


@pytest.mark.parametrize("method", ConfirmMethod)
def test_background_speech_passes_no_confirmation_method(method: ConfirmMethod) -> None:
    """The background says "right" once more than there are attempts.

    Golden decisions cover the scoring of a spoken yes.
    """
    decision, state = asked()
    (right,) = dialogue(
        ("messages.SendMessage", Act.AFFIRM, True), first=3, days=0.0003, wake_confidence=DOUBTFUL
    )
    said = given_to(
        decision, method=method, proof=None, words=words_in("right, right"), heard=right
    )
    for attempt in range(MAX_ATTEMPTS + 1):
        result, state = taken(state, said)
        tired = method is ConfirmMethod.CHALLENGE and attempt == MAX_ATTEMPTS
        wanted = Refusal.TOO_MANY_ATTEMPTS if tired else NOTHING_BUT_TALK[method]
        assert (result.result, result.reason) == (Result.REFUSED, wanted)
    assert not [pending for pending in state.pending if pending.standing in MEANT]


def test_another_household_cannot_answer() -> None:
    decision, state = asked()
    _, neighbour = run(
        [replace(each, household_id="h2") for each in heard(send_message(), DOUBTFUL)], BUNDLE
    )
    result, after = taken(neighbour, given_to(decision, household_id="h2"))
    assert (result.reason, result.event_id) == (Refusal.OTHER_HOUSEHOLD, None)
    assert after == neighbour
    assert taken(state, given_to(decision))[0].result is Result.CONFIRMED


def test_a_question_that_was_never_asked_is_unknown() -> None:
    decision, state = asked()
    slots = {"contact": "k1_a44e"}
    unknown = given_to(
        decision,
        confirmation_id=confirmation_id("h1", "e99", decision.intent, slots, at=START.timestamp()),
    )
    assert taken(state, unknown)[0].reason is Refusal.UNKNOWN


@pytest.mark.parametrize(
    ("slots", "day"),
    [({"door": "k1_back"}, 0), ({"door": "k1_back"}, 3), ({"door": "k1_front"}, 3)],
)
def test_a_proof_is_not_valid_for_a_later_event_with_the_same_id(
    slots: dict[str, str], day: int
) -> None:
    """The household has forgotten the event and its question when the event id comes again."""
    first = unlocking(0, {"door": "k1_front"})
    (decision,), state = run([first], BUNDLE)
    kept = given_to(decision, time=first.time)
    result, state = taken(state, kept)
    assert result.result is Result.CONFIRMED
    between = [
        unlocking(100 + each, {"door": f"k1_{each}"}, days=day) for each in range(MAX_QUESTIONS + 1)
    ]
    _, state = run(
        [replace(each, intent="locks.Lock", session_id="s2") for each in between], BUNDLE, state
    )
    again = replace(first, slots=slots, time=START + timedelta(days=day, seconds=30))
    (asked_again,), state = run([again], BUNDLE, state)
    assert asked_again.verdict is Verdict.CONFIRM
    reused = replace(kept, slots=slots, time=again.time, answer_id="a2")
    assert taken(state, reused)[0].result is Result.REFUSED
    named = given_to(asked_again, time=again.time, proof=kept.proof)
    assert taken(state, named)[0].reason is Refusal.PROOF_WRONG
    assert taken(state, given_to(asked_again, time=again.time))[0].result is Result.CONFIRMED


@pytest.mark.parametrize(
    ("seconds", "counts"), [(-59, True), (-1, True), (1, True), (59, True), (-90, False)]
)
def test_an_answer_to_a_lower_rungs_question_settles_the_workers_question(
    seconds: int, counts: bool
) -> None:
    """The gateway asked when it received the event, and its clock differs from log time."""
    decision, state = asked()
    worked = heard(send_message(), DOUBTFUL)[-1]
    name = confirmation_id(
        "h1", "e2", worked.intent, {"contact": "k1_a44e"}, at=worked.seconds + seconds
    )
    said = given_to(decision, confirmation_id=name, proof=proof_of(KEY, name, ConfirmMethod.PIN))
    for known in (state, run(heard(send_message(), SURE), BUNDLE)[1]):
        result, after = taken(known, said)
        assert (result.result is Result.CONFIRMED) is counts
        assert counts or result.reason is Refusal.UNKNOWN
        assert (recall(after, said) == result) is counts


def unlocking(number: int, slots: dict[str, str], *, days: float = 0.0) -> IntentEvent:
    return event(
        number,
        intent="locks.Unlock",
        commits=True,
        slots=slots,
        wake_confidence=DOUBTFUL,
        time=START + timedelta(days=days, seconds=(number % 100) * 2),
    )


@pytest.mark.parametrize("first", [True, False])
def test_any_second_answer_is_refused(first: bool) -> None:
    decision, state = asked()
    _, state = taken(state, given_to(decision, accepted=first))
    for again in (given_to(decision), given_to(decision, answer_id="a2", accepted=not first)):
        result, after = taken(state, again)
        assert (result.reason, result.answered_by) == (Refusal.ALREADY_ANSWERED, "a1")
        assert after == state


def test_the_result_of_an_answer_can_be_recalled() -> None:
    decision, state = asked()
    result, state = taken(state, given_to(decision))
    assert recall(state, given_to(decision)) == result
    assert recall(state, given_to(decision, answer_id="a2")) is None


def test_without_a_confirmation_key_no_proof_is_accepted() -> None:
    decision, state = asked()
    for proof in ("receipt-17", given_to(decision).proof):
        result, after = taken(state, given_to(decision, proof=proof), key=None)
        assert (result.result, result.reason) == (Result.REFUSED, Refusal.METHOD_NOT_OFFERED)
        assert after == state
    assert taken(state, given_to(decision, proof=None), key=None)[0].reason is Refusal.PROOF_MISSING


def test_an_answer_to_a_lower_rungs_question_is_checked_too() -> None:
    """The gateway asked after a timeout, but the worker allows the command.

    The answer needs its proof all the same.
    """
    _, state = run(heard(send_message(), SURE), BUNDLE)
    decision, _ = asked()
    for fields, reason in {
        **WRONG,
        "no words": ({"method": ConfirmMethod.CHALLENGE}, None),
    }.values():
        result, after = taken(state, given_to(decision, **fields))
        assert result.reason is (reason or Refusal.METHOD_NOT_OFFERED)
        assert after == state
    assert taken(state, given_to(decision), key=None)[0].reason is Refusal.METHOD_NOT_OFFERED
    result, after = taken(state, given_to(decision))
    assert (result.result, result.event_id) == (Result.CONFIRMED, "e2")
    assert after.pending[0].standing is Standing.CONFIRMED
    assert recall(after, given_to(decision)) == result
    assert taken(after, given_to(decision))[0].reason is Refusal.ALREADY_ANSWERED


def test_a_denial_of_a_lower_rungs_question_needs_no_proof() -> None:
    _, state = run(heard(send_message(), SURE), BUNDLE)
    decision, _ = asked()
    result, after = taken(state, given_to(decision, proof=None, accepted=False))
    assert result.result is Result.DENIED
    assert after.pending[0].standing is Standing.DENIED


@pytest.mark.parametrize(
    "fields",
    [
        {"proof": ""},
        {"proof": "x" * 300},
        {"words": ("right",)},
        {"words": ("falcon",) * 9},
        {"answer_id": "a b"},
        {"time": START.replace(tzinfo=None)},
        {"slots": {"a": "x" * 200}},
    ],
)
def test_an_invalid_answer_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        given_to(asked()[0], **fields)


CHANGES: list[Callable[[ConfirmationAnswer], ConfirmationAnswer]] = [
    lambda said: said,
    lambda said: replace(said, accepted=False),
    lambda said: replace(said, slots={}),
    lambda said: replace(said, session_id="s9"),
    lambda said: replace(said, proof="wrong"),
    lambda said: replace(said, time=START + timedelta(hours=1)),
    lambda said: replace(said, method=ConfirmMethod.CHALLENGE),
]


@given(st.lists(st.sampled_from(CHANGES), max_size=12))
def test_a_command_is_released_at_most_once(
    changes: list[Callable[[ConfirmationAnswer], ConfirmationAnswer]],
) -> None:
    decision, state = asked()
    results = []
    for number, change in enumerate(changes):
        result, state = taken(state, change(given_to(decision, answer_id=f"a{number}")))
        results.append(result.result)
    decided = [result for result in results if result is not Result.REFUSED]
    assert len(decided) <= 1
    untouched = changes[
        : next((n for n, r in enumerate(results) if r is not Result.REFUSED), len(changes))
    ]
    assert (
        not [change for change in untouched if change in CHANGES[:2]]
        or results.count(Result.REFUSED) >= 3
    )
