"""The recent questions of a household. They cover repeated commands and make new ones costlier."""

from __future__ import annotations

from collections.abc import Mapping

from detector.contracts.clocks import apart
from detector.household.relearning import is_misfire
from detector.household.state import HouseholdState, Question, Session, is_open
from detector.policy.policy import Policy

__all__ = ["earlier_question", "recent_questions"]


def recent_questions(state: HouseholdState, at: float, policy: Policy) -> int:
    """Return how many questions the household was asked in the policy's window before ``at``."""
    return sum(
        apart(at, question.asked) < policy.fatigue.window_seconds for question in state.questions
    )


def earlier_question(
    state: HouseholdState,
    session: Session,
    slots: Mapping[str, str],
    policy: Policy,
    *,
    intent: str,
    at: float,
    anew: bool,
) -> Question | None:
    """Return the latest question that also covers this command, or ``None``.

    The question is open, or was answered shortly before log time ``at``. It covers commands with
    the same intent and exactly the same slots.

    While a question is open, a repetition in the same conversation may leave out all slots: a
    second "right" refers to the command in question. A command that starts ``anew`` is not such a
    repetition. A no to a command without slots is not remembered, because the user may go on to
    mean something else and would be blocked. A yes to a command that a label calls a misfire does
    not count.
    """
    for question in reversed(state.questions):
        if question.intent != intent:
            continue
        here = question.session_id == session.session_id
        same = slots == question.slots and (bool(slots) or question.state != "denied")
        right_again = here and question.state == "open" and not slots and not anew
        if not (same or right_again):
            continue
        if question.state == "open":
            return question if here and is_open(question, at) else None
        if question.state == "confirmed" and is_misfire(state, question.event_id):
            return None
        recent = apart(at, question.closed) < policy.fatigue.same_again_seconds
        return question if recent and question.state in ("confirmed", "denied") else None
    return None
