"""The rule that a household confirms each physical command the first time it is used.

These questions are not counted in the class's budget of false interruptions.
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
    """Return why a physical command needs a confirmation in this household, or ``None``.

    A command is familiar if the household's memory contains a meant use: confirmed, or executed and
    not undone. It becomes new again when that memory decays or is displaced by other intents. A
    command that was only asked about stays new. Rungs below the worker do not have the household's
    state and always ask.
    """
    if risk is not RiskClass.PHYSICAL:
        return None
    if rung is not Rung.WORKER:
        text = f"Only the worker knows whether this household has used {event.intent} before."
    elif strength(household.intents.get(event.intent), household.learned) < FORGOTTEN:
        text = (
            f"{event.intent} acts on the physical world, "
            "and this household has never confirmed it before."
        )
    else:
        return None
    return Reason(code=FIRST_PHYSICAL, event_id=event.event_id, bits=0.0, text=text)
