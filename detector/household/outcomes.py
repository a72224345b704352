"""The effect of outcomes and checked answers on a household's pending commands.

Outcomes follow the table in ``contracts/outcome_table.py``. Only ``answered`` sets
``Standing.CONFIRMED``; its caller must have checked the answer (``decision.questions.answer``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from detector.contracts.decisions import ConfirmMethod, Decision
from detector.contracts.events import Outcome, OutcomeKind
from detector.contracts.outcome_table import OutcomeRefused, entry
from detector.contracts.standing import Standing
from detector.household.early_outcomes import keep_early
from detector.household.fast_replace import changed
from detector.household.standings import set_standing, standing_of
from detector.household.state import HouseholdState, Pending, Question

__all__ = ["answered", "close_question", "report"]

#: The state of a command's question after the command gets one of these standings.
_CLOSES: Mapping[Standing, str] = {
    Standing.DENIED: "denied",
    Standing.UNDONE: "over",
    Standing.EXPIRED: "over",
    Standing.LET_RUN: "over",
}
#: Outcomes that say that a command was not meant.
_NO = frozenset({OutcomeKind.DENIED, OutcomeKind.UNDONE})
#: Standings in which a command can still be confirmed or denied by an answer.
_ANSWERABLE = frozenset({Standing.ASKED, Standing.LET_RUN, Standing.ALLOWED, Standing.NOT_RUN})


def report(
    state: HouseholdState, outcome: Outcome, *, at: float
) -> tuple[OutcomeRefused | None, HouseholdState]:
    """Apply an outcome at the log's time ``at``.

    Return the reason for which it is refused, or ``None``, and the household's new state.

    An outcome that arrives before its event is kept until the event arrives. After the session was
    closed, an outcome can still make the household learn from a command that was allowed or
    confirmed, but cannot revoke what was learned. A negative outcome always withdraws an earlier
    confirmation that would apply to a repetition of the command.
    """
    standing = standing_of(state, outcome.event_id, at=at)
    became = entry(standing, outcome.outcome, outcome.source)
    refused = became if isinstance(became, OutcomeRefused) else None
    if standing is Standing.UNKNOWN and refused is None:
        state = keep_early(state, outcome, at)
    elif isinstance(became, Standing) and became is not standing:
        state = _set_standing_by_id(state, outcome.event_id, became, at)
    if outcome.outcome in _NO and refused in (None, OutcomeRefused.ALREADY_LEARNED):
        state = _withdraw_confirmations(state, _intents_of(state, outcome.event_id), at)
    return refused, state


def answered(
    state: HouseholdState,
    question: Question,
    accepted: bool,
    *,
    by: str,
    method: ConfirmMethod,
    at: float,
) -> HouseholdState:
    """Apply a checked answer by ``method`` to its question and the question's command.

    If the command was repeated with the same slots while the question was open, a yes confirms the
    repetition as well. A no also withdraws confirmations of other questions about the intent.
    """
    became, name = "confirmed" if accepted else "denied", question.confirmation_id
    state = close_question(state, name, became, at=at, by=by, method=method)
    tokens = {each.tokens for each in state.pending if each.event_id == question.event_id}
    if not accepted:
        return _withdraw_confirmations(state, {question.intent}, at)
    return set_standing(
        state,
        lambda each: (
            each.confirmation_id == name and each.standing in _ANSWERABLE and each.tokens in tokens
        ),
        Standing.CONFIRMED,
        at,
    )


def close_question(
    state: HouseholdState,
    confirmation_id: str,
    became: str,
    *,
    at: float,
    by: str | None = None,
    method: ConfirmMethod | None = None,
) -> HouseholdState:
    """Close an open question, or withdraw the confirmation of a closed one.

    A denial applies to every command that the question was asked for.
    """
    questions = tuple(
        replace(each, state=became, closed=at, answered_by=by, answered_with=method, session=None)
        if each.confirmation_id == confirmation_id and each.state in ("open", "confirmed")
        else each
        for each in state.questions
    )
    state = changed(state, questions=questions)
    if became != "denied":
        return state
    return set_standing(
        state,
        lambda each: each.confirmation_id == confirmation_id and each.standing in _ANSWERABLE,
        Standing.DENIED,
        at,
    )


def _set_standing_by_id(
    state: HouseholdState, event_id: str, standing: Standing, at: float
) -> HouseholdState:
    pending = next(each for each in state.pending if each.event_id == event_id)
    state = set_standing(state, lambda each: each is pending, standing, at)
    if standing not in _CLOSES or pending.confirmation_id is None:
        return state
    return close_question(state, pending.confirmation_id, _CLOSES[standing], at=at)


def _intents_of(state: HouseholdState, event_id: str) -> set[str]:
    """Return the intent of an event if the state still contains it."""
    remembered: tuple[Pending | Decision | Question, ...] = (
        *state.pending,
        *state.recent,
        *state.questions,
    )
    return {each.intent for each in remembered if each.event_id == event_id}


def _withdraw_confirmations(state: HouseholdState, intents: set[str], at: float) -> HouseholdState:
    """Withdraw earlier confirmations of commands with these intents, which are then asked again."""
    if not any(each.state == "confirmed" and each.intent in intents for each in state.questions):
        return state
    questions = tuple(
        replace(each, state="over", closed=at, answered_by=None)
        if each.state == "confirmed" and each.intent in intents
        else each
        for each in state.questions
    )
    return changed(state, questions=questions)
