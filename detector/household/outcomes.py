"""What became of commands: outcomes by the table in ``outcome_table.py``, and answers that were checked.

``answered`` is the only way to ``Standing.CONFIRMED``; whoever calls it has checked the answer (``confirmation.answer``).
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

#: What becomes of a command's question when the command gets a standing.
_CLOSES: Mapping[Standing, str] = {
    Standing.DENIED: "denied",
    Standing.UNDONE: "over",
    Standing.EXPIRED: "over",
    Standing.LET_RUN: "over",
}
#: Outcomes by which somebody says that a command was not meant.
_NO = frozenset({OutcomeKind.DENIED, OutcomeKind.UNDONE})
#: What a checked answer can still be about.
_ANSWERABLE = frozenset({Standing.ASKED, Standing.LET_RUN, Standing.ALLOWED, Standing.NOT_RUN})


def standing_after(decision: Decision) -> Standing:
    """Return how a command stands right after the worker's decision on it.

    What would have been held back and is let run in shadow mode is not allowed: nobody confirmed it.
    """
    if decision.verdict is Verdict.ALLOW:
        return Standing.ALLOWED
    if decision.effective_verdict is Verdict.ALLOW:
        return Standing.LET_RUN
    return Standing.ASKED if decision.verdict is Verdict.CONFIRM else Standing.BLOCKED


def standing_of(state: HouseholdState, event_id: str, *, at: float) -> Standing:
    """Return how a command stands at the log's time ``at``."""
    for pending in state.pending:
        if pending.event_id == event_id:
            return _standing(state, pending, at)
    for decision in state.recent:
        if decision.event_id == event_id:
            judged = decision.misfire_probability is not None or decision.abstained
            return Standing.LEARNED if judged else Standing.NO_COMMAND
    return Standing.UNKNOWN


def report(
    state: HouseholdState, outcome: Outcome, *, at: float
) -> tuple[OutcomeRefused | None, HouseholdState]:
    """Take an outcome in at the log's time ``at``: why it is refused, if it is, and the household afterwards.

    An outcome that comes before its event waits for it. One that comes after its session was closed can still teach a command that
    was allowed or confirmed, but can no longer take back what was learned. A no takes back a yes that would hold for the same command
    said again, however late it comes.
    """
    standing = standing_of(state, outcome.event_id, at=at)
    became = entry(standing, outcome.outcome, outcome.source)
    refused = became if isinstance(became, OutcomeRefused) else None
    if standing is Standing.UNKNOWN and refused is None:
        state = _waiting(state, outcome, at)
    elif isinstance(became, Standing) and became is not standing:
        state = _moved(state, outcome.event_id, became, at)
    if outcome.outcome in _NO and refused in (None, OutcomeRefused.ALREADY_LEARNED):
        state = _without_yes(state, _intents_of(state, outcome.event_id), at)
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
    """Take in an answer by ``method`` that was checked: it closes its question, and says whether the question's command was meant.

    A command that was said again while the question was open is confirmed with it where its slots are the same. A no takes back the yes
    to another question about the intent.
    """
    became, name = "confirmed" if accepted else "denied", question.confirmation_id
    state = close_question(state, name, became, at=at, by=by, method=method)
    tokens = {each.tokens for each in state.pending if each.event_id == question.event_id}
    if not accepted:
        return _without_yes(state, {question.intent}, at)
    return _become(
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
    """Close a question that is open, or whose yes is taken back. A no is about every command that the question was put for."""
    questions = tuple(
        replace(each, state=became, closed=at, answered_by=by, answered_with=method, session=None)
        if each.confirmation_id == confirmation_id and each.state in ("open", "confirmed")
        else each
        for each in state.questions
    )
    state = changed(state, questions=questions)
    if became != "denied":
        return state
    return _become(
        state,
        lambda each: each.confirmation_id == confirmation_id and each.standing in _ANSWERABLE,
        Standing.DENIED,
        at,
    )


def await_outcome(state: HouseholdState, pending: Pending, *, at: float) -> HouseholdState:
    """Remember a command until its outcome is known; look at once at the outcomes that came first."""
    others = [each for each in state.pending if each.event_id != pending.event_id]
    state = changed(state, pending=(*_kept(state, others), pending))
    early = [outcome for outcome in state.early if outcome.event_id == pending.event_id]
    state = without_early(state, pending.event_id)
    for outcome in early:
        _, state = report(state, outcome, at=at)
    return state


def _kept(state: HouseholdState, pending: Sequence[Pending]) -> Sequence[Pending]:
    """The commands that are kept beside a new one.

    First goes what nothing can be learned from and whose conversation is over, then what was meant, the oldest first. What is held
    back in an open conversation goes last: once it were forgotten, the command could be said again and be allowed. Of that the
    conversation with the most loses one, and rather one that it holds twice.
    """
    too_many = len(pending) - (MAX_PENDING - 1)
    if too_many <= 0:
        return pending
    here = {session.session_id for session in state.sessions}
    held = [each for each in pending if each.standing not in MEANT and each.session_id in here]
    by_session = Counter(each.session_id for each in held)
    by_command = Counter((each.session_id, each.intent) for each in held)

    def last_goes(each: Pending) -> tuple[int, int, int]:
        if each in held:
            return 2, -by_session[each.session_id], -by_command[each.session_id, each.intent]
        return int(each.standing in MEANT), 0, 0

    gone = sorted(pending, key=last_goes)[:too_many]
    return [each for each in pending if each not in gone]


def without_early(state: HouseholdState, event_id: str) -> HouseholdState:
    """Forget the outcomes that wait for an event."""
    if not state.early:
        return state
    return changed(state, early=tuple(each for each in state.early if each.event_id != event_id))


def refused_early(
    before: HouseholdState, event: IntentEvent, decision: Decision
) -> Iterator[tuple[Outcome, OutcomeRefused]]:
    """Yield the outcomes that waited for an event and are refused now that it has been decided on.

    Args:
        before: the household before the event.
        event: the event.
        decision: the decision on it.
    """
    standing = standing_after(decision) if event.commits else Standing.NO_COMMAND
    for outcome in before.early:
        if outcome.event_id == event.event_id:
            became = entry(standing, outcome.outcome, outcome.source)
            if isinstance(became, OutcomeRefused):
                yield outcome, became
            else:
                standing = became


def _standing(state: HouseholdState, pending: Pending, at: float) -> Standing:
    """A command that is to be confirmed is expired where its question cannot be answered any more."""
    if pending.standing is not Standing.ASKED:
        return pending.standing
    open_ones = (
        each
        for each in state.questions
        if each.confirmation_id == pending.confirmation_id and is_open(each, at)
    )
    return Standing.ASKED if any(open_ones) else Standing.EXPIRED


def _moved(state: HouseholdState, event_id: str, standing: Standing, at: float) -> HouseholdState:
    pending = next(each for each in state.pending if each.event_id == event_id)
    state = _become(state, lambda each: each is pending, standing, at)
    if standing not in _CLOSES or pending.confirmation_id is None:
        return state
    return close_question(state, pending.confirmation_id, _CLOSES[standing], at=at)


def _intents_of(state: HouseholdState, event_id: str) -> set[str]:
    """The intent of an event, wherever it is remembered."""
    remembered: tuple[Pending | Decision | Question, ...] = (
        *state.pending,
        *state.recent,
        *state.questions,
    )
    return {each.intent for each in remembered if each.event_id == event_id}


def _without_yes(state: HouseholdState, intents: set[str], at: float) -> HouseholdState:
    """Let no earlier yes hold any longer for commands of these intents: they are asked about again."""
    if not any(each.state == "confirmed" and each.intent in intents for each in state.questions):
        return state
    questions = tuple(
        replace(each, state="over", closed=at, answered_by=None)
        if each.state == "confirmed" and each.intent in intents
        else each
        for each in state.questions
    )
    return changed(state, questions=questions)


def _become(
    state: HouseholdState, which: Callable[[Pending], bool], standing: Standing, at: float
) -> HouseholdState:
    """Give commands a standing. A session that is over teaches nothing more: what was meant in it is learned at once."""
    moved = [changed(each, standing=standing) for each in state.pending if which(each)]
    pending = tuple(
        changed(each, standing=standing) if which(each) else each for each in state.pending
    )
    state = changed(state, pending=pending)
    return learn_late(state, moved, at=at) if standing in MEANT else state


def _waiting(state: HouseholdState, outcome: Outcome, at: float) -> HouseholdState:
    """An outcome that is reported twice waits once, by the log's time."""
    waits = [(each.event_id, each.outcome, each.source) for each in state.early]
    if (outcome.event_id, outcome.outcome, outcome.source) in waits:
        return state
    waiting = replace(outcome, time=datetime.fromtimestamp(at, UTC))
    return changed(state, early=(*state.early, waiting)[-MAX_EARLY:])
