"""Confirmation with integrity: asking, and taking in an answer, as pure functions of the household's state.

A question is bound to household, session, intent and slots, is answered once, and expires. Time is the log's.
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
from detector.decision.question_fatigue import asked_before
from detector.decision.spoken_yes import is_yes, score_yes
from detector.household.conversations import said_id
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

#: Answers that may go wrong before a question is closed: a word is easily misheard, but not for ever.
MAX_ATTEMPTS = 3
#: Hexadecimal digits of an id that tell the household: enough to say "not yours", too few to find a household by.
_TAG = 8
#: Hexadecimal digits of an id that tell the event, and as many that tell the intent with its slots.
_HALF = 16
_TIME = re.compile(r"-(-?[0-9a-f]{1,12})")

#: What an answer that went wrong costs an attempt: it could be tried again and again.
_ATTEMPTS = {
    Refusal.PROOF_WRONG,
    Refusal.WRONG_WORDS,
    Refusal.NOTHING_HEARD,
    Refusal.UNLIKELY_ANSWER,
}


def confirmation_id(
    household_id: str, event_id: str, intent: str, slots: Mapping[str, str], *, at: float
) -> str:
    """Derive the id of the question about a command that was asked at the log's time ``at``; every replay gives the same one.

    A proof is made of this id alone. So the id says all that an answer is bound to: who gets hold of a proof can use it neither for
    another command nor at another time, even where the same ``event_id`` comes again.

    >>> confirmation_id("h1", "e1", "a.B", {}, at=0.0)[:8] == confirmation_id("h1", "e2", "a.B", {}, at=0.0)[:8]
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
    """Turn a decision to confirm into a question, and remember it.

    A household is not asked the same thing twice in a row: while the question is open, the repeated command gets the same one; for a
    while after its answer, a yes allows and a no blocks; a yes only where its way of
    confirming is safe enough for this command, too. Too many open questions block.

    Args:
        decision: with the verdict ``confirm`` and the methods in its ``confirm``.
        state: the household before the event is remembered.
        event: the committing event.
        session: its session and the chain, both with it.
        bundle: whose policy and version count.
        at: the log's time of the event.
    """
    if decision.confirm is None or session.chain is None:
        raise AssertionError("what is to be confirmed is a chain, and says how to ask")
    policy, slots = bundle.policy, session.chain.slots
    anew = session.chain.act == Act.INITIATE
    before = asked_before(state, session, slots, policy, intent=event.intent, at=at, anew=anew)
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
        if len(_open(state, at)) >= policy.confirmation.most_open:
            text = f"{policy.confirmation.most_open} questions are open in this household; this one is not asked."
            return _instead(decision, Verdict.BLOCK, "too_many_open", text), state
        before = _question(decision.confirm.methods, state, event, session, bundle, at=at)
        state = replace(state, questions=(*state.questions, before)[-MAX_QUESTIONS:])
    return replace(decision, confirm=_confirm(decision.confirm, before)), state


def without_proofs(decision: Decision) -> Decision:
    """Offer only ways whose answers can be checked without a key for proofs; where none is left, block instead of asking."""
    if decision.confirm is None:
        return decision
    methods = tuple(method for method in decision.confirm.methods if method not in PROVEN)
    if methods:
        return replace(decision, confirm=replace(decision.confirm, methods=methods))
    text = f"{decision.intent} takes a confirmation with a proof, and this worker has no key to check one with."
    return _instead(decision, Verdict.BLOCK, "no_key_for_proofs", text)


def answer(
    state: HouseholdState,
    given: ConfirmationAnswer,
    bundle: Bundle,
    *,
    at: float,
    key: bytes | None = None,
) -> tuple[ConfirmationResult, HouseholdState]:
    """Take an answer in: what became of it, and the household afterwards.

    Args:
        state: the household that the answer names.
        given: the answer.
        bundle: what a spoken yes is scored with.
        at: the log's time of the answer.
        key: what proofs are made with; where it is ``None``, no proof can be checked, and none counts.
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
            _with_question(state, question),
            question,
            given.accepted,
            by=given.answer_id,
            method=given.method,
            at=at,
        )
        question = find_question(state, question.confirmation_id) or question
    elif refusal in _ATTEMPTS:
        question = replace(question, attempts=question.attempts + 1)
        state = _with(state, question)
    result = replace(
        _result(question, given, refusal), surprisal_bits=bits, misfire_probability=probability
    )
    return result, state


def recall(state: HouseholdState, given: ConfirmationAnswer) -> ConfirmationResult | None:
    """Return what became of an answer that was taken in before; ``None`` where it closed no question that is remembered."""
    for question in state.questions:
        if question.answered_by == given.answer_id and _is_about(question, given.confirmation_id):
            return _result(question, given, None)
    return None


def _suffices(before: Question, decision: Decision, policy: Policy) -> bool:
    """Whether an earlier yes would be enough for a command that may be likelier a misfire than the one that it was said to."""
    method, probability = before.answered_with, decision.misfire_probability
    if method is None or method not in policy.classes[decision.risk_class].methods:
        return False
    likely = policy.base_rate if probability is None else probability
    return policy.suffices(decision.risk_class, method, likely)


def _answered_before(decision: Decision, question: Question) -> Decision:
    if question.state == "confirmed":
        text = f"{decision.intent} was confirmed a short while ago, with the same details."
        return _instead(decision, Verdict.ALLOW, "confirmed_before", text)
    text = f"{decision.intent} was denied a short while ago, and nobody is asked the same thing twice in a row."
    return _instead(decision, Verdict.BLOCK, "denied_before", text)


def _instead(decision: Decision, verdict: Verdict, code: str, text: str) -> Decision:
    """The decision with a verdict that needs no question; in shadow mode what takes effect stays as it is."""
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
    """Close what is open about the same intent in the same conversation: its slots are not the command's any more."""
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
    """What this household usually says, as far as tokens tell."""
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
    """The question that a lower rung asked about a command which the worker allows; else why there is none.

    The answer is checked like any other: what needs a proof has it, and what only who asked could check, words and a spoken yes, does
    not count.
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
    """Why an answer does not belong to the question, or comes too late."""
    closed = {"confirmed": Refusal.ALREADY_ANSWERED, "denied": Refusal.ALREADY_ANSWERED}
    checks = (
        (said_id(question.session_id) != given.session_id, Refusal.OTHER_SESSION),
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
    """Why a yes does not count; a spoken one is scored besides."""
    if given.method not in question.methods:
        return Refusal.METHOD_NOT_OFFERED
    if given.method is ConfirmMethod.CHALLENGE:
        return None if given.words == question.challenge else Refusal.WRONG_WORDS
    if given.method is ConfirmMethod.SPOKEN:
        heard = given.heard is not None and is_yes(state, question, given.heard)
        return None if heard else Refusal.NOTHING_HEARD
    if not given.proof:
        return Refusal.PROOF_MISSING
    if (
        key is None
    ):  # it went away since the question was asked: now no way that takes a proof is offered
        return Refusal.METHOD_NOT_OFFERED
    wanted = proof_of(key, given.confirmation_id, given.method)
    return (
        None if hmac.compare_digest(given.proof.encode(), wanted.encode()) else Refusal.PROOF_WRONG
    )


def find_question(state: HouseholdState, confirmation_id: str | None) -> Question | None:
    """Return the question with this id, as far as it is remembered."""
    return next((each for each in state.questions if each.confirmation_id == confirmation_id), None)


def _question_for(state: HouseholdState, given: ConfirmationAnswer) -> Question | None:
    """The question that an answer is about: the very one, or the one that a lower rung asked about the same command a moment before."""
    exact = find_question(state, given.confirmation_id)
    about = (each for each in reversed(state.questions) if _is_about(each, given.confirmation_id))
    return exact or next(about, None)


def _is_about(question: Question, name: str) -> bool:
    return _same_question(question.confirmation_id, name, question.expires - question.asked)


def _same_question(one: str, other: str, life: float) -> bool:
    """Whether two ids are of one event, asked about on two rungs: their clocks lie no further apart than a question lives."""
    if one == other:
        return True
    end = _TAG + _HALF
    first, second = _TIME.fullmatch(one, end + _HALF), _TIME.fullmatch(other, end + _HALF)
    if one[:end] != other[:end] or first is None or second is None:
        return False
    return apart(int(first[1], 16), int(second[1], 16)) <= life


def _same_command(one: str, other: str) -> bool:
    """Whether two ids are of one intent with the same slots."""
    end = _TAG + _HALF
    return one[end : end + _HALF] == other[end : end + _HALF]


def _with_question(state: HouseholdState, question: Question) -> HouseholdState:
    """The state with a question that a lower rung asked, and its command."""
    if find_question(state, question.confirmation_id) is not None:
        return state
    pending = tuple(
        changed(each, confirmation_id=question.confirmation_id)
        if each.event_id == question.event_id
        else each
        for each in state.pending
    )
    return changed(state, pending=pending, questions=(*state.questions, question)[-MAX_QUESTIONS:])


def _with(state: HouseholdState, question: Question) -> HouseholdState:
    """The state with a question as it is now."""
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
