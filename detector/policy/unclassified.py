"""What no rule of the policy names is asked about until an operator classifies it: nothing is allowed because nobody thought of it."""

from __future__ import annotations

from detector.contracts.decisions import Decision, Reason
from detector.contracts.events import IntentEvent
from detector.policy.intent_rules import Classified

__all__ = ["UNCLASSIFIED", "is_unclassified", "why_unclassified"]

#: The reason's code.
UNCLASSIFIED = "unclassified_intent"


def why_unclassified(event: IntentEvent, classified: Classified) -> Reason | None:
    """Return why a command is asked about whose intent no rule of the policy names; ``None`` where one does, or nothing is committed."""
    if classified.named or not event.commits:
        return None
    text = f"No rule of the policy names {event.intent}. Until one does, it counts as {classified.risk} and is asked about."
    return Reason(code=UNCLASSIFIED, event_id=event.event_id, bits=0.0, text=text)


def is_unclassified(decision: Decision) -> bool:
    """Return whether a decision is about a command of an intent that no rule of the policy names."""
    return any(reason.code == UNCLASSIFIED for reason in decision.reasons)
