"""The effect of outcomes and checked answers on a household's pending commands.

Outcomes follow the table in ``contracts/outcome_table.py``. Only ``answered`` sets
``Standing.CONFIRMED``; its caller must have checked the answer (``decision.questions.answer``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from detector.contracts.decisions import ConfirmMethod, Decision, Verdict
from detector.contracts.events import IntentEvent, Outcome, OutcomeKind
from detector.contracts.outcome_table import OutcomeRefused, entry
from detector.contracts.standing import MEANT, Standing
from detector.household.fast_replace import changed
from detector.household.learning import learn_late
from detector.household.state import (
    MAX_EARLY,
    MAX_PENDING,
    HouseholdState,
    Pending,
    Question,
    is_open,
)

__all__ = [
    "answered",
    "await_outcome",
    "close_question",
    "refused_early",
    "report",
    "standing_after",
    "standing_of",
    "without_early",
]

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


def standing_after(decision: Decision) -> Standing:
    """Return a command's standing right after the worker's decision on it.

    A command that runs only because of shadow mode is not ``ALLOWED``, since it was not confirmed.
    """
    if decision.verdict is Verdict.ALLOW:
        return Standing.ALLOWED
    if decision.effective_verdict is Verdict.ALLOW:
        return Standing.LET_RUN
    return Standing.ASKED if decision.verdict is Verdict.CONFIRM else Standing.BLOCKED


def standing_of(state: HouseholdState, event_id: str, *, at: float) -> Standing:
    """Return a command's standing at the log's time ``at``."""
    for pending in state.pending:
        if pending.event_id == event_id:
            return _current_standing(state, pending, at)
    for decision in state.recent:
        if decision.event_id == event_id:
            judged = decision.misfire_probability is not None or decision.abstained
            return Standing.LEARNED if judged else Standing.NO_COMMAND
    return Standing.UNKNOWN


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
        state = _kept_early(state, outcome, at)
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
    return _set_standing(
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
    return _set_standing(
        state,
        lambda each: each.confirmation_id == confirmation_id and each.standing in _ANSWERABLE,
        Standing.DENIED,
        at,
    )


def await_outcome(state: HouseholdState, pending: Pending, *, at: float) -> HouseholdState:
    """Keep a command until its outcome is known, and apply outcomes that arrived before it."""
    others = [each for each in state.pending if each.event_id != pending.event_id]
    state = changed(state, pending=(*_with_room(state, others), pending))
    early = [outcome for outcome in state.early if outcome.event_id == pending.event_id]
    state = without_early(state, pending.event_id)
    for outcome in early:
        _, state = report(state, outcome, at=at)
    return state


def _with_room(state: HouseholdState, pending: Sequence[Pending]) -> Sequence[Pending]:
    """Return the commands that are kept, so that there is room for a new one.

    Commands are removed in this order, oldest first: those that are not meant and whose
    conversation is over, then those that are meant, then those that are held back in an open
    conversation. The last group is the most valuable: after such a command is forgotten, a
    repetition of it could be allowed. Within that group, the conversation with the most commands
    loses one, preferably one that it contains twice.
    """
    too_many = len(pending) - (MAX_PENDING - 1)
    if too_many <= 0:
        return pending
    active = {session.session_id for session in state.sessions}
    held = [each for each in pending if each.standing not in MEANT and each.session_id in active]
    by_session = Counter(each.session_id for each in held)
    by_command = Counter((each.session_id, each.intent) for each in held)

    def value(each: Pending) -> tuple[int, int, int]:
        if each in held:
            return 2, -by_session[each.session_id], -by_command[each.session_id, each.intent]
        return int(each.standing in MEANT), 0, 0

    removed = sorted(pending, key=value)[:too_many]
    return [each for each in pending if each not in removed]


def without_early(state: HouseholdState, event_id: str) -> HouseholdState:
    """Remove the outcomes that arrived before an event."""
    if not state.early:
        return state
    return changed(state, early=tuple(each for each in state.early if each.event_id != event_id))


def refused_early(
    before: HouseholdState, event: IntentEvent, decision: Decision
) -> Iterator[tuple[Outcome, OutcomeRefused]]:
    """Yield the outcomes that arrived before an event and are refused after the decision on it.

    Args:
        before: the household's state before the event.
        event: the event.
        decision: the decision on the event.
    """
    standing = standing_after(decision) if event.commits else Standing.NO_COMMAND
    for outcome in before.early:
        if outcome.event_id == event.event_id:
            became = entry(standing, outcome.outcome, outcome.source)
            if isinstance(became, OutcomeRefused):
                yield outcome, became
            else:
                standing = became


def _current_standing(state: HouseholdState, pending: Pending, at: float) -> Standing:
    """Return the command's standing; ``ASKED`` becomes ``EXPIRED`` with its question."""
    if pending.standing is not Standing.ASKED:
        return pending.standing
    open_ones = (
        each
        for each in state.questions
        if each.confirmation_id == pending.confirmation_id and is_open(each, at)
    )
    return Standing.ASKED if any(open_ones) else Standing.EXPIRED


def _set_standing_by_id(
    state: HouseholdState, event_id: str, standing: Standing, at: float
) -> HouseholdState:
    pending = next(each for each in state.pending if each.event_id == event_id)
    state = _set_standing(state, lambda each: each is pending, standing, at)
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


def _set_standing(
    state: HouseholdState, which: Callable[[Pending], bool], standing: Standing, at: float
) -> HouseholdState:
    """Set the standing of commands, and learn at once from those whose session is closed."""
    moved = [changed(each, standing=standing) for each in state.pending if which(each)]
    pending = tuple(
        changed(each, standing=standing) if which(each) else each for each in state.pending
    )
    state = changed(state, pending=pending)
    return learn_late(state, moved, at=at) if standing in MEANT else state


def _kept_early(state: HouseholdState, outcome: Outcome, at: float) -> HouseholdState:
    """Keep an early outcome, dated by the log's time; ignore a repetition of it."""
    waits = [(each.event_id, each.outcome, each.source) for each in state.early]
    if (outcome.event_id, outcome.outcome, outcome.source) in waits:
        return state
    waiting = replace(outcome, time=datetime.fromtimestamp(at, UTC))
    return changed(state, early=(*state.early, waiting)[-MAX_EARLY:])
