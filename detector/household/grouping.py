"""Grouping a stream of events into households and their sessions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from detector.contracts.events import IntentEvent
from detector.household.conversations import told_apart
from detector.policy.policy import Conversations

__all__ = ["sessions_by_household"]


def sessions_by_household(events: Iterable[IntentEvent]) -> dict[str, list[list[IntentEvent]]]:
    """Group a stream into each household's conversations, in the order in which they began."""
    grouped: defaultdict[str, dict[object, list[IntentEvent]]] = defaultdict(dict)
    for event, conversation in told_apart(events, Conversations()):
        grouped[event.household_id].setdefault(conversation, []).append(event)
    return {household: list(sessions.values()) for household, sessions in grouped.items()}
