"""What a household was asked of late: nobody is asked the same thing twice in a row, and each question makes the next one dearer."""

from __future__ import annotations

from collections.abc import Mapping

from detector.contracts.clocks import apart
from detector.household.state import HouseholdState, Question, Session, is_open
from detector.policy.policy import Policy

__all__ = ["asked_before", "asked_of_late"]


def asked_of_late(state: HouseholdState, at: float, policy: Policy) -> int:
    """Return how many questions the household was asked within the policy's window of the log's time ``at``."""
    return sum(
        apart(at, question.asked) < policy.fatigue.window_seconds for question in state.questions
    )


def asked_before(
    state: HouseholdState,
    session: Session,
    slots: Mapping[str, str],
    policy: Policy,
    *,
    intent: str,
    at: float,
    anew: bool,
) -> Question | None:
    """The latest question about a command with this ``intent``, if it is open or was answered a short while ago, by the log's time ``at``.

    The same command has the same slots, none less and none more. Only while the question is open, a repetition in the same conversation
    may leave out all of them: who says "right" again means what was asked, and gets the same question. A command that is begun
    ``anew`` is not such a repetition. A no to a command without slots is not remembered: who goes on after saying no may well mean
    something else, and would be blocked.
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
        recent = apart(at, question.closed) < policy.fatigue.same_again_seconds
        return question if recent and question.state in ("confirmed", "denied") else None
    return None
