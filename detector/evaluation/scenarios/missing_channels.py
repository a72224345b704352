"""Streams without some input, as from runtimes without confidences or from new customers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from detector.contracts.events import IntentEvent

__all__ = ["CHANNELS", "without_confidences", "without_history"]


def without_confidences(events: Iterable[IntentEvent]) -> list[IntentEvent]:
    """Remove every confidence, as for a runtime that reports none."""
    return [
        replace(event, intent_confidence=None, asr_confidence=None, wake_confidence=None)
        for event in events
    ]


def without_history(events: Iterable[IntentEvent]) -> list[IntentEvent]:
    """Put every session into its own household, as for customers who have just started."""
    numbers: dict[tuple[str, str], int] = {}
    return [
        replace(
            event,
            household_id="new-"
            f"{numbers.setdefault((event.household_id, event.session_id), len(numbers))}",
        )
        for event in events
    ]


#: The inputs that can be removed, by name.
CHANNELS: Mapping[str, Callable[[Iterable[IntentEvent]], list[IntentEvent]]] = {
    "confidences": without_confidences,
    "history": without_history,
}
