"""A physical command that is new in its household is asked about once, however sure everybody sounds.

These questions come on top of the class's budget of false interruptions.
"""

from __future__ import annotations

from detector.contracts.decisions import Reason, RiskClass, Rung
from detector.contracts.events import IntentEvent
from detector.household.learning import FORGOTTEN, strength
from detector.household.state import HouseholdState

__all__ = ["FIRST_PHYSICAL", "why_first_physical"]

#: The reason's code.
FIRST_PHYSICAL = "first_physical_command"


def why_first_physical(
    event: IntentEvent, household: HouseholdState, risk: RiskClass, rung: Rung
) -> Reason | None:
    """Return why a physical command is asked about that this household has not given before; ``None`` where it has.

    It has when the household's memory holds a meant use: confirmed, or carried out and not undone. What was forgotten is asked about
    anew, whether its count decayed or other intents took its place; so is what was asked about and never confirmed. A rung below the
    worker's knows nothing of the household, and always asks.
    """
    if risk is not RiskClass.PHYSICAL:
        return None
    if rung is not Rung.WORKER:
        text = f"Only the worker knows whether this household has given the command {event.intent} before."
    elif strength(household.intents.get(event.intent), household.learned) < FORGOTTEN:
        text = f"This household has never confirmed the command {event.intent}, and it acts on the physical world."
    else:
        return None
    return Reason(code=FIRST_PHYSICAL, event_id=event.event_id, bits=0.0, text=text)
