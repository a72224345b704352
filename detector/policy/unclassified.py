"""Intents that no rule of the policy names: they need a confirmation until an operator adds one."""

from __future__ import annotations

from detector.contracts.decisions import Decision, Reason
from detector.contracts.events import IntentEvent
from detector.policy.intent_rules import Classified

__all__ = ["UNCLASSIFIED", "is_unclassified", "why_unclassified"]

#: The reason's code.
UNCLASSIFIED = "unclassified_intent"


def why_unclassified(event: IntentEvent, classified: Classified) -> Reason | None:
    """Return why an unclassified command needs a confirmation.

    The result is ``None`` if a rule names the intent, or the event does not commit.
    """
    if classified.named or not event.commits:
        return None
    text = (
        f"No policy rule covers {event.intent}. Until one does, it is treated as "
        f"{classified.risk} and needs confirmation."
    )
    return Reason(code=UNCLASSIFIED, event_id=event.event_id, bits=0.0, text=text)


def is_unclassified(decision: Decision) -> bool:
    """Return whether a decision is about a command whose intent no rule of the policy names."""
    return any(reason.code == UNCLASSIFIED for reason in decision.reasons)
