"""The household's earlier commands, which a label can still reach."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from detector.household.fast_replace import changed
from detector.household.state import MAX_PAST, HouseholdState, PastCommand, Pending

__all__ = ["event_digest", "find_command", "past_of", "with_past"]


def event_digest(event_id: str) -> str:
    """Return the digest under which a household remembers an event: 8 hexadecimal digits."""
    return hashlib.blake2b(event_id.encode(), digest_size=4).hexdigest()


def past_of(pending: Pending, lesson: int = 0) -> PastCommand:
    """Return what is remembered of a command that is no longer pending."""
    return PastCommand(
        event=event_digest(pending.event_id),
        intent=pending.intent,
        device=pending.device,
        seconds=pending.seconds,
        ahead=pending.ahead,
        tokens=pending.tokens,
        contexts=pending.contexts,
        lesson=lesson,
    )


def with_past(
    state: HouseholdState, commands: Iterable[Pending], *, lesson: int = 0
) -> HouseholdState:
    """Remember commands that are no longer pending.

    Args:
        state: the household.
        commands: the commands.
        lesson: the number of the learned session that contained them; 0: none.
    """
    added = [past_of(each, lesson) for each in commands]
    return changed(state, past=(*state.past, *added)[-MAX_PAST:]) if added else state


def find_command(state: HouseholdState, event: str) -> PastCommand | None:
    """Return the command with the digest ``event``, pending or past."""
    for past in reversed(state.past):
        if past.event == event:
            return past
    return next(
        (past_of(each) for each in state.pending if event_digest(each.event_id) == event), None
    )
