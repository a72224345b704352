"""Confirmation: asking a question and applying its answer, as pure functions of the state.

A question is bound to household, session, intent and slots. It can be answered once, and it
expires. Every time is log time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from detector.contracts.challenge_words import challenge_words
from detector.contracts.clocks import apart
from detector.contracts.confirmations import (
    PROVEN,
    ConfirmationAnswer,
    ConfirmationResult,
    Refusal,
    Result,
    proof_of,
)
from detector.contracts.decisions import Confirm, ConfirmMethod, Decision, Reason, Verdict
from detector.contracts.events import Act, IntentEvent
from detector.contracts.refusals import refused
from detector.contracts.standing import Standing
from detector.decision.bundle import Bundle
from detector.decision.question_fatigue import earlier_question
from detector.decision.spoken_yes import is_yes, score_yes
from detector.household.conversations import runtime_session_id
from detector.household.fast_replace import changed
from detector.household.learning import token
from detector.household.outcomes import answered, close_question
from detector.household.state import MAX_QUESTIONS, HouseholdState, Question, Session, is_open
from detector.policy.policy import Policy

__all__ = [
    "MAX_ATTEMPTS",
    "answer",
    "ask",
    "confirmation_id",
    "find_question",
    "recall",
    "without_proofs",
]

#: Failed answers until a question closes. Words are easily misheard, so more than one is allowed.
MAX_ATTEMPTS = 3
#: Hexadecimal digits of an id that identify the household: enough to detect another household's id,
#: too few to find a household by.
_TAG = 8
#: Hexadecimal digits of an id that identify the event, and as many for the intent with its slots.
_HALF = 16
_TIME = re.compile(r"-(-?[0-9a-f]{1,12})")

#: Refusals that use up an attempt, because an attacker could otherwise retry without limit.
_ATTEMPTS = {
    Refusal.PROOF_WRONG,
    Refusal.WRONG_WORDS,
    Refusal.NOTHING_HEARD,
    Refusal.UNLIKELY_ANSWER,
}


def confirmation_id(
    household_id: str, event_id: str, intent: str, slots: Mapping[str, str], *, at: float
) -> str:
    """Derive the id of the question that was asked about a command at log time ``at``.

    The id is deterministic, so a replay derives the same one. A proof covers only this id, so the
    id covers everything an answer is bound to. A stolen proof is useless for another command or at
    another time, even if the same ``event_id`` is used again.

    >>> first = confirmation_id("h1", "e1", "a.B", {}, at=0.0)
    >>> second = confirmation_id("h1", "e2", "a.B", {}, at=0.0)
    >>> first[:8] == second[:8]
    True
    """
    command = f"{intent}\0{sorted(slots.items())}"
    event = _digest(f"{household_id}\0{event_id}", _HALF // 2)
    return f"{_tag(household_id)}{event}{_digest(command, _HALF // 2)}-{int(at):x}"


def ask(
    decision: Decision,
    state: HouseholdState,
    event: IntentEvent,
    session: Session,
    bundle: Bundle,
    *,
    at: float,
) -> tuple[Decision, HouseholdState]:
    """Turn a decision to confirm into a question, and add it to the state.

    A household is not asked about the same command twice in a row. While the question is open, the
    repeated command gets the same question. For a while after the answer, a no blocks the command.
    A yes allows it, if its method is also safe enough for this command. With too many open
    questions, the command is blocked.

    Args:
        decision: a decision to confirm, with the methods in its ``confirm``.
        state: the household before the event is added.
        event: the committing event.
        session: the session of the event and its chain, both including it.
        bundle: supplies the policy and the version.
        at: log time of the event, in seconds.
    """
    if decision.confirm is None or session.chain is None:
        raise AssertionError("a decision to confirm has a chain and confirmation methods")
    policy, slots = bundle.policy, session.chain.slots
    anew = session.chain.act == Act.INITIATE
    before = earlier_question(state, session, slots, policy, intent=event.intent, at=at, anew=anew)
    if (
        before is not None
        and before.state == "confirmed"
        and not _suffices(before, decision, policy)
    ):
        before = None
    if before is not None and before.state != "open":
        return _answered_before(decision, before), state
    if before is None:
        state = _superseding(state, session, event.intent, at)
        most = policy.confirmation.most_open
        if len(_open(state, at)) >= most:
            text = f"This household has reached its limit of {most} open questions."
            return _instead(decision, Verdict.BLOCK, "too_many_open", text), state
        before = _question(decision.confirm.methods, state, event, session, bundle, at=at)
        state = replace(state, questions=(*state.questions, before)[-MAX_QUESTIONS:])
    return replace(decision, confirm=_confirm(decision.confirm, before)), state


def without_proofs(decision: Decision) -> Decision:
    """Offer only methods that work without a key for proofs; if there are none, block."""
    if decision.confirm is None:
        return decision
    methods = tuple(method for method in decision.confirm.methods if method not in PROVEN)
    if methods:
        return replace(decision, confirm=replace(decision.confirm, methods=methods))
    text = (
        f"{decision.intent} needs a confirmation with proof, "
        "but this worker has no key to verify one with."
    )
    return _instead(decision, Verdict.BLOCK, "no_key_for_proofs", text)


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


def _suffices(before: Question, decision: Decision, policy: Policy) -> bool:
    """Return whether an earlier yes is enough for this command, which may be a likelier misfire."""
    method, probability = before.answered_with, decision.misfire_probability
    if method is None or method not in policy.classes[decision.risk_class].methods:
        return False
    likely = policy.base_rate if probability is None else probability
    return policy.suffices(decision.risk_class, method, likely)


def _answered_before(decision: Decision, question: Question) -> Decision:
    if question.state == "confirmed":
        text = f"{decision.intent} was confirmed a short while ago with the same details."
        return _instead(decision, Verdict.ALLOW, "confirmed_before", text)
    text = f"{decision.intent} was denied a short while ago, so it is blocked without asking again."
    return _instead(decision, Verdict.BLOCK, "denied_before", text)


def _instead(decision: Decision, verdict: Verdict, code: str, text: str) -> Decision:
    """Return the decision with a verdict that needs no question; shadow mode still allows."""
    takes_effect = (
        verdict if decision.effective_verdict is decision.verdict else decision.effective_verdict
    )
    reason = Reason(code=code, event_id=decision.event_id, bits=0.0, text=text)
    return replace(
        decision,
        verdict=verdict,
        effective_verdict=takes_effect,
        confirm=None,
        reasons=(reason, *decision.reasons),
    )


def _superseding(state: HouseholdState, session: Session, intent: str, at: float) -> HouseholdState:
    """Close the open questions about the same intent in this conversation; their slots changed."""
    for question in state.questions:
        if (question.session_id, question.intent, question.state) == (
            session.session_id,
            intent,
            "open",
        ):
            state = close_question(state, question.confirmation_id, "superseded", at=at)
    return state


def _question(
    methods: tuple[ConfirmMethod, ...],
    state: HouseholdState,
    event: IntentEvent,
    session: Session,
    bundle: Bundle,
    *,
    at: float,
) -> Question:
    slots = dict(session.chain.slots) if session.chain else {}
    words = challenge_words(event.event_id, bundle.version, _usual(state, slots))
    return Question(
        confirmation_id=confirmation_id(
            event.household_id, event.event_id, event.intent, slots, at=at
        ),
        event_id=event.event_id,
        session_id=session.session_id,
        intent=event.intent,
        slots=slots,
        asked=at,
        expires=at + bundle.policy.confirmation.expires_seconds,
        methods=methods,
        challenge=words if ConfirmMethod.CHALLENGE in methods else (),
        session=session,
    )


def _usual(state: HouseholdState, slots: dict[str, str]) -> Iterable[str]:
    """Return the household's known intents, and the names and tokens of these slots."""
    return (*state.intents, *slots, *slots.values())


def _confirm(confirm: Confirm, question: Question) -> Confirm:
    said = f" To confirm, say: {' '.join(question.challenge)}." if question.challenge else ""
    return replace(
        confirm,
        methods=question.methods,
        prompt=confirm.prompt + said,
        confirmation_id=question.confirmation_id,
        expires_at=datetime.fromtimestamp(question.expires, UTC),
        slots=question.slots,
        challenge=question.challenge,
    )


def _open(state: HouseholdState, at: float) -> list[Question]:
    return [each for each in state.questions if is_open(each, at)]


def _question_below(
    state: HouseholdState, given: ConfirmationAnswer, bundle: Bundle
) -> tuple[Question | None, Refusal]:
    """Return the question that a lower rung asked about a command that the worker allows.

    Without such a question, return ``None`` and the reason. The answer is checked like any other.
    Only methods with a proof count, since only the rung that asked could check words or a spoken
    yes.
    """
    mine = given.confirmation_id.startswith(_tag(given.household_id))
    for pending in state.pending:
        life = bundle.policy.confirmation.expires_seconds
        asked = confirmation_id(
            given.household_id, pending.event_id, pending.intent, given.slots, at=pending.seconds
        )
        if not _same_question(asked, given.confirmation_id, life):
            continue
        if pending.standing not in (Standing.ALLOWED, Standing.NOT_RUN):
            return None, Refusal.ALREADY_ANSWERED
        said = tuple(token(name, value) for name, value in sorted(given.slots.items()))
        if said != pending.tokens or not _same_command(asked, given.confirmation_id):
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
        (not _same_command(question.confirmation_id, given.confirmation_id), Refusal.CHANGED_SLOTS),
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


def _is_about(question: Question, name: str) -> bool:
    return _same_question(question.confirmation_id, name, question.expires - question.asked)


def _same_question(one: str, other: str, life: float) -> bool:
    """Return whether two ids are about one event, asked about by two rungs.

    Their clocks differ by no more than ``life``, the lifetime of a question in seconds.
    """
    if one == other:
        return True
    end = _TAG + _HALF
    first, second = _TIME.fullmatch(one, end + _HALF), _TIME.fullmatch(other, end + _HALF)
    if one[:end] != other[:end] or first is None or second is None:
        return False
    return apart(int(first[1], 16), int(second[1], 16)) <= life


def _same_command(one: str, other: str) -> bool:
    """Return whether two ids are about the same intent with the same slots."""
    end = _TAG + _HALF
    return one[end : end + _HALF] == other[end : end + _HALF]


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


def _tag(household_id: str) -> str:
    return _digest(household_id, _TAG // 2)


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size, person=b"confirmation").hexdigest()
