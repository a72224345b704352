"""Asking a household to confirm a command, as pure functions of its state.

A question is bound to household, session, intent and slots. Every time is log time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from detector.contracts.challenge_words import challenge_words
from detector.contracts.confirmations import PROVEN
from detector.contracts.decisions import Confirm, ConfirmMethod, Decision, Reason, Verdict
from detector.contracts.events import Act, IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.confirmation_ids import confirmation_id
from detector.decision.question_fatigue import earlier_question
from detector.household.fast_replace import changed
from detector.household.outcomes import close_question
from detector.household.state import MAX_QUESTIONS, HouseholdState, Question, Session, is_open
from detector.policy.policy import Policy

__all__ = ["ask", "without_proofs"]


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
        state = changed(state, questions=(*state.questions, before)[-MAX_QUESTIONS:])
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
