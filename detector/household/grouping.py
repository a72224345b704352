"""Grouping of a stream of events by household and session."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from detector.contracts.events import IntentEvent
from detector.household.conversations import with_conversations
from detector.policy.policy import Conversations

__all__ = ["sessions_by_household"]


def sessions_by_household(events: Iterable[IntentEvent]) -> dict[str, list[list[IntentEvent]]]:
    """Return the conversations of each household, in the order in which they began."""
    grouped: defaultdict[str, dict[object, list[IntentEvent]]] = defaultdict(dict)
    for event, conversation in with_conversations(events, Conversations()):
        grouped[event.household_id].setdefault(conversation, []).append(event)
    return {household: list(sessions.values()) for household, sessions in grouped.items()}
