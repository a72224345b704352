"""Applying an answer to a question, as pure functions of the household's state.

A question can be answered once, and it expires. Every time is log time.
"""

from __future__ import annotations

import hmac
from dataclasses import replace

from detector.contracts.confirmations import (
    PROVEN,
    ConfirmationAnswer,
    ConfirmationResult,
    Refusal,
    Result,
    proof_of,
)
from detector.contracts.decisions import ConfirmMethod
from detector.contracts.refusals import refused
from detector.contracts.standing import Standing
from detector.decision.bundle import Bundle
from detector.decision.confirmation_ids import (
    confirmation_id,
    is_of_household,
    same_command,
    same_question,
)
from detector.decision.spoken_yes import is_yes, score_yes
from detector.household.conversations import runtime_session_id
from detector.household.fast_replace import changed
from detector.household.learning import token
from detector.household.outcomes import answered
from detector.household.state import MAX_QUESTIONS, HouseholdState, Question, is_open

__all__ = ["MAX_ATTEMPTS", "answer", "find_question", "recall"]

#: Failed answers until a question closes. Words are easily misheard, so more than one is allowed.
MAX_ATTEMPTS = 3
#: Refusals that use up an attempt, because an attacker could otherwise retry without limit.
_ATTEMPTS = {
    Refusal.PROOF_WRONG,
    Refusal.WRONG_WORDS,
    Refusal.NOTHING_HEARD,
    Refusal.UNLIKELY_ANSWER,
}


def answer(
    state: HouseholdState,
    given: ConfirmationAnswer,
    bundle: Bundle,
    *,
    at: float,
    key: bytes | None = None,
) -> tuple[ConfirmationResult, HouseholdState]:
    """Apply an answer, and return its result and the household after it.

    Args:
        state: the household that the answer names.
        given: the answer.
        bundle: the bundle to score a spoken yes with.
        at: log time of the answer, in seconds.
        key: key of the proofs. With ``None``, no proof can be checked, and answers that need one
            are refused.
    """
    question = _question_for(state, given)
    if question is None:
        question, unknown = _question_below(state, given, bundle)
        if question is None:
            return refused(given, unknown), state
    refusal = _unbound(question, given, at)
    bits = probability = None
    if refusal is None and given.accepted:
        refusal = _unproven(state, question, given, key)
        if refusal is None and given.method is ConfirmMethod.SPOKEN and given.heard is not None:
            bits, probability, likely = score_yes(state, question, given.heard, bundle)
            refusal = None if likely else Refusal.UNLIKELY_ANSWER
    if refusal is None:
        state = answered(
            _add_question(state, question),
            question,
            given.accepted,
            by=given.answer_id,
            method=given.method,
            at=at,
        )
        question = find_question(state, question.confirmation_id) or question
    elif refusal in _ATTEMPTS:
        question = replace(question, attempts=question.attempts + 1)
        state = _replace_question(state, question)
    result = replace(
        _result(question, given, refusal), surprisal_bits=bits, misfire_probability=probability
    )
    return result, state


def recall(state: HouseholdState, given: ConfirmationAnswer) -> ConfirmationResult | None:
    """Return the result of an answer that was applied before.

    The result is ``None`` if the answer closed no question that is still remembered.
    """
    for question in state.questions:
        if question.answered_by == given.answer_id and _is_about(question, given.confirmation_id):
            return _result(question, given, None)
    return None


def find_question(state: HouseholdState, confirmation_id: str | None) -> Question | None:
    """Return the remembered question with this id, or ``None``."""
    return next((each for each in state.questions if each.confirmation_id == confirmation_id), None)


def _question_for(state: HouseholdState, given: ConfirmationAnswer) -> Question | None:
    """Return the question that an answer is about.

    It has the same id, or was asked about the same command by a lower rung a moment before.
    """
    exact = find_question(state, given.confirmation_id)
    about = (each for each in reversed(state.questions) if _is_about(each, given.confirmation_id))
    return exact or next(about, None)


def _question_below(
    state: HouseholdState, given: ConfirmationAnswer, bundle: Bundle
) -> tuple[Question | None, Refusal]:
    """Return the question that a lower rung asked about a command that the worker allows.

    Without such a question, return ``None`` and the reason. The answer is checked like any other.
    Only methods with a proof count, since only the rung that asked could check words or a spoken
    yes.
    """
    mine = is_of_household(given.confirmation_id, given.household_id)
    for pending in state.pending:
        life = bundle.policy.confirmation.expires_seconds
        asked = confirmation_id(
            given.household_id, pending.event_id, pending.intent, given.slots, at=pending.seconds
        )
        if not same_question(asked, given.confirmation_id, life):
            continue
        if pending.standing not in (Standing.ALLOWED, Standing.NOT_RUN):
            return None, Refusal.ALREADY_ANSWERED
        said = tuple(token(name, value) for name, value in sorted(given.slots.items()))
        if said != pending.tokens or not same_command(asked, given.confirmation_id):
            return None, Refusal.CHANGED_SLOTS
        methods = bundle.policy.classes[bundle.classify(pending.intent).risk].methods
        return Question(
            confirmation_id=given.confirmation_id,
            event_id=pending.event_id,
            session_id=pending.session_id,
            intent=pending.intent,
            slots=dict(given.slots),
            asked=pending.seconds,
            expires=pending.seconds + life,
            methods=tuple(method for method in methods if method in PROVEN),
        ), Refusal.UNKNOWN
    return None, Refusal.UNKNOWN if mine else Refusal.OTHER_HOUSEHOLD


def _unbound(question: Question, given: ConfirmationAnswer, at: float) -> Refusal | None:
    """Return why an answer does not belong to the question or is too late, or ``None``."""
    closed = {"confirmed": Refusal.ALREADY_ANSWERED, "denied": Refusal.ALREADY_ANSWERED}
    checks = (
        (runtime_session_id(question.session_id) != given.session_id, Refusal.OTHER_SESSION),
        (question.intent != given.intent, Refusal.OTHER_INTENT),
        (question.slots != dict(given.slots), Refusal.CHANGED_SLOTS),
        (not same_command(question.confirmation_id, given.confirmation_id), Refusal.CHANGED_SLOTS),
        (question.state in closed, Refusal.ALREADY_ANSWERED),
        (question.state == "superseded", Refusal.SUPERSEDED),
        (not is_open(question, at), Refusal.EXPIRED),
        (question.attempts >= MAX_ATTEMPTS, Refusal.TOO_MANY_ATTEMPTS),
    )
    return next((refusal for wrong, refusal in checks if wrong), None)


def _unproven(
    state: HouseholdState, question: Question, given: ConfirmationAnswer, key: bytes | None
) -> Refusal | None:
    """Return why a yes does not count, or ``None``. A spoken yes is also scored by the caller."""
    if given.method not in question.methods:
        return Refusal.METHOD_NOT_OFFERED
    if given.method is ConfirmMethod.CHALLENGE:
        return None if given.words == question.challenge else Refusal.WRONG_WORDS
    if given.method is ConfirmMethod.SPOKEN:
        heard = given.heard is not None and is_yes(state, question, given.heard)
        return None if heard else Refusal.NOTHING_HEARD
    if not given.proof:
        return Refusal.PROOF_MISSING
    if key is None:  # removed since the question was asked
        return Refusal.METHOD_NOT_OFFERED
    wanted = proof_of(key, given.confirmation_id, given.method)
    return (
        None if hmac.compare_digest(given.proof.encode(), wanted.encode()) else Refusal.PROOF_WRONG
    )


def _is_about(question: Question, name: str) -> bool:
    return same_question(question.confirmation_id, name, question.expires - question.asked)


def _add_question(state: HouseholdState, question: Question) -> HouseholdState:
    """Return the state with a question that a lower rung asked, linked to its command."""
    if find_question(state, question.confirmation_id) is not None:
        return state
    pending = tuple(
        changed(each, confirmation_id=question.confirmation_id)
        if each.event_id == question.event_id
        else each
        for each in state.pending
    )
    return changed(state, pending=pending, questions=(*state.questions, question)[-MAX_QUESTIONS:])


def _replace_question(state: HouseholdState, question: Question) -> HouseholdState:
    """Return the state with a question replaced by its current version."""
    questions = tuple(
        question if each.confirmation_id == question.confirmation_id else each
        for each in state.questions
    )
    return replace(state, questions=questions)


def _result(
    question: Question, given: ConfirmationAnswer, refusal: Refusal | None
) -> ConfirmationResult:
    result = refused(given, refusal or Refusal.UNKNOWN)
    if refusal is None:
        became = Result.CONFIRMED if question.state == "confirmed" else Result.DENIED
        result = replace(result, result=became, reason=None, text="")
    return replace(
        result,
        event_id=question.event_id,
        attempts_left=max(MAX_ATTEMPTS - question.attempts, 0) if question.state == "open" else 0,
        answered_by=question.answered_by,
    )
