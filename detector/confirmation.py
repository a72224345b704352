"""Confirmation with integrity: asking, and taking in an answer, as pure functions of the household's state.

A question is bound to household, session, intent and slots, is answered once, and expires. Time is the log's.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from detector.answers import ConfirmationAnswer, ConfirmationResult, Refusal, Result, proof_of
from detector.bundle import Bundle
from detector.challenge import challenge_words
from detector.decisions import Confirm, ConfirmMethod, Decision, Reason, Verdict
from detector.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.fatigue import asked_before, is_open
from detector.household import settle
from detector.refusals import refused
from detector.spoken import is_yes, score_yes
from detector.state import MAX_QUESTIONS, HouseholdState, Question, Session

__all__ = ["MAX_ATTEMPTS", "answer", "ask", "close", "confirmation_id", "recall"]

#: Answers that may go wrong before a question is closed: a word is easily misheard, but not for ever.
MAX_ATTEMPTS = 3
#: Hexadecimal digits of an id that tell the household: enough to say "not yours", too few to find a household by.
_TAG = 8

#: What an answer that went wrong costs an attempt: it could be tried again and again.
_ATTEMPTS = {Refusal.PROOF_WRONG, Refusal.WRONG_WORDS, Refusal.NOTHING_HEARD, Refusal.UNLIKELY_ANSWER}


def confirmation_id(household_id: str, event_id: str) -> str:
    """Derive a question's id, so that every rung and every replay gives the same one; it begins with the household's tag.

    >>> confirmation_id("h1", "e1")[:8] == confirmation_id("h1", "e2")[:8] != confirmation_id("h2", "e1")[:8]
    True
    """
    return _tag(household_id) + _digest(f"{household_id}\0{event_id}", 16)


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
    while after its answer, a yes allows and a no blocks. Too many open questions block.

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
    before = asked_before(state, event, slots, policy, at=at)
    if before is not None and before.state != "open":
        return _answered_before(decision, before), state
    if before is None:
        state = _superseding(state, event, at)
        if len(_open(state, at)) >= policy.confirmation.most_open:
            text = f"{policy.confirmation.most_open} questions are open in this household; this one is not asked."
            return _instead(decision, Verdict.BLOCK, "too_many_open", text), state
        before = _question(decision.confirm.methods, state, event, session, bundle, at=at)
        state = replace(state, questions=(*state.questions, before)[-MAX_QUESTIONS:])
    return replace(decision, confirm=_confirm(decision.confirm, before)), state


def answer(
    state: HouseholdState, given: ConfirmationAnswer, bundle: Bundle, *, at: float, key: bytes | None = None
) -> tuple[ConfirmationResult, HouseholdState]:
    """Take an answer in: what became of it, and the household afterwards.

    Args:
        state: the household that the answer names.
        given: the answer.
        bundle: what a spoken yes is scored with.
        at: the log's time of the answer.
        key: what proofs are made with; where it is ``None``, any proof counts as the runtime's word for it.
    """
    question = next((each for each in state.questions if each.confirmation_id == given.confirmation_id), None)
    if question is None:
        return _unasked(state, given, at)
    refusal = _unbound(question, given, at)
    bits = probability = None
    if refusal is None and given.accepted:
        refusal = _unproven(state, question, given, key)
        if refusal is None and given.method is ConfirmMethod.SPOKEN and given.heard is not None:
            bits, probability, likely = score_yes(state, question, given.heard, bundle)
            refusal = None if likely else Refusal.UNLIKELY_ANSWER
    if refusal is None:
        question = _closed(question, "confirmed" if given.accepted else "denied", at, by=given.answer_id)
        kind = OutcomeKind.CONFIRMED if given.accepted else OutcomeKind.DENIED
        state = _settled(state, question.event_id, kind, given, at)
    elif refusal in _ATTEMPTS:
        question = replace(question, attempts=question.attempts + 1)
    result = replace(_result(question, given, refusal), surprisal_bits=bits, misfire_probability=probability)
    return result, _with(state, question)


def recall(state: HouseholdState, given: ConfirmationAnswer) -> ConfirmationResult | None:
    """Return what became of an answer that was taken in before; ``None`` where it closed no question that is remembered."""
    for question in state.questions:
        if (question.confirmation_id, question.answered_by) == (given.confirmation_id, given.answer_id):
            return _result(question, given, None)
    return None


def close(state: HouseholdState, outcome: Outcome, *, at: float) -> HouseholdState:
    """Close the question about a command whose outcome was reported: there is nothing left to answer."""
    became = {OutcomeKind.CONFIRMED: "confirmed", OutcomeKind.DENIED: "denied"}.get(outcome.outcome, "over")
    for question in state.questions:
        if question.event_id == outcome.event_id:
            state = _with(state, _closed(question, became, at))
    return state


def _answered_before(decision: Decision, question: Question) -> Decision:
    if question.state == "confirmed":
        text = f"{decision.intent} was confirmed a short while ago, with the same details."
        return _instead(decision, Verdict.ALLOW, "confirmed_before", text)
    text = (
        f"{decision.intent} was denied a short while ago, and nobody is asked the same thing twice in a row."
    )
    return _instead(decision, Verdict.BLOCK, "denied_before", text)


def _instead(decision: Decision, verdict: Verdict, code: str, text: str) -> Decision:
    """The decision with a verdict that needs no question; in shadow mode what takes effect stays as it is."""
    takes_effect = verdict if decision.effective_verdict is decision.verdict else decision.effective_verdict
    reason = Reason(code=code, event_id=decision.event_id, bits=0.0, text=text)
    return replace(
        decision,
        verdict=verdict,
        effective_verdict=takes_effect,
        confirm=None,
        reasons=(reason, *decision.reasons),
    )


def _superseding(state: HouseholdState, event: IntentEvent, at: float) -> HouseholdState:
    """Close what is open about the same intent in the same conversation: its slots are not the command's any more."""
    for question in state.questions:
        if (question.session_id, question.intent, question.state) == (event.session_id, event.intent, "open"):
            state = _with(state, _closed(question, "superseded", at))
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
        confirmation_id=confirmation_id(event.household_id, event.event_id),
        event_id=event.event_id,
        session_id=event.session_id,
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


def _unasked(
    state: HouseholdState, given: ConfirmationAnswer, at: float
) -> tuple[ConfirmationResult, HouseholdState]:
    """An answer to what this household's worker did not ask: a rung below it did, or nobody.

    Where the worker meanwhile allowed that very command, a yes changes nothing and a no takes it back.
    """
    refusal = (
        Refusal.UNKNOWN
        if given.confirmation_id.startswith(_tag(given.household_id))
        else Refusal.OTHER_HOUSEHOLD
    )
    for pending in state.pending:
        if confirmation_id(given.household_id, pending.event_id) != given.confirmation_id:
            continue
        if (pending.session_id, pending.intent) != (given.session_id, given.intent):
            refusal = Refusal.OTHER_SESSION
        elif pending.answered:
            refusal = Refusal.ALREADY_ANSWERED
        elif pending.allowed:
            kind = OutcomeKind.CONFIRMED if given.accepted else OutcomeKind.DENIED
            result = Result.CONFIRMED if given.accepted else Result.DENIED
            done = replace(refused(given, Refusal.UNKNOWN), result=result, reason=None, text="")
            return replace(done, event_id=pending.event_id), _settled(
                state, pending.event_id, kind, given, at
            )
    return refused(given, refusal), state


def _unbound(question: Question, given: ConfirmationAnswer, at: float) -> Refusal | None:
    """Why an answer does not belong to the question, or comes too late."""
    closed = {"confirmed": Refusal.ALREADY_ANSWERED, "denied": Refusal.ALREADY_ANSWERED}
    checks = (
        (question.session_id != given.session_id, Refusal.OTHER_SESSION),
        (question.intent != given.intent, Refusal.OTHER_INTENT),
        (question.slots != dict(given.slots), Refusal.CHANGED_SLOTS),
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
    if key is None:
        return None
    wanted = proof_of(key, question.confirmation_id, given.method)
    return None if hmac.compare_digest(given.proof.encode(), wanted.encode()) else Refusal.PROOF_WRONG


def _settled(
    state: HouseholdState, event_id: str, kind: OutcomeKind, given: ConfirmationAnswer, at: float
) -> HouseholdState:
    outcome = Outcome(
        event_id=event_id,
        household_id=state.household_id,
        outcome=kind,
        source=OutcomeSource.RUNTIME,
        time=given.time,
    )
    return settle(state, outcome, at=at)


def _closed(question: Question, became: str, at: float, *, by: str | None = None) -> Question:
    return replace(question, state=became, closed=at, answered_by=by, session=None)


def _with(state: HouseholdState, question: Question) -> HouseholdState:
    """The state with a question as it is now."""
    questions = tuple(
        question if each.confirmation_id == question.confirmation_id else each for each in state.questions
    )
    return replace(state, questions=questions)


def _result(question: Question, given: ConfirmationAnswer, refusal: Refusal | None) -> ConfirmationResult:
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
