"""Streams with a channel missing: what runtimes without confidences, and new customers, have to do without."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from detector.contracts.events import IntentEvent

__all__ = ["CHANNELS", "without_confidences", "without_history"]


def without_confidences(events: Iterable[IntentEvent]) -> list[IntentEvent]:
    """Take every confidence out, as of a runtime that gives none."""
    return [
        replace(event, intent_confidence=None, asr_confidence=None, wake_confidence=None)
        for event in events
    ]


def without_history(events: Iterable[IntentEvent]) -> list[IntentEvent]:
    """Put every session into a household of its own, as of a customer who has just begun."""
    numbers: dict[tuple[str, str], int] = {}
    return [
        replace(
            event,
            household_id=f"new-{numbers.setdefault((event.household_id, event.session_id), len(numbers))}",
        )
        for event in events
    ]


#: What can be left out of a stream, by name.
CHANNELS: Mapping[str, Callable[[Iterable[IntentEvent]], list[IntentEvent]]] = {
    "confidences": without_confidences,
    "history": without_history,
}
