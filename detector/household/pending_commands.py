"""The commands of a household whose outcome is not known yet, and which of them are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from detector.contracts.standing import MEANT
from detector.household.early_outcomes import without_early
from detector.household.fast_replace import changed
from detector.household.outcomes import report
from detector.household.past_commands import with_past
from detector.household.state import MAX_PENDING, HouseholdState, Pending

__all__ = ["await_outcome"]


def await_outcome(state: HouseholdState, pending: Pending, *, at: float) -> HouseholdState:
    """Keep a command until its outcome is known, and apply outcomes that arrived before it."""
    others = [each for each in state.pending if each.event_id != pending.event_id]
    kept = _with_room(state, others)
    if len(kept) < len(others):
        state = with_past(state, (each for each in others if each not in kept))
    state = changed(state, pending=(*kept, pending))
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
