"""The rule that a household confirms each physical command the first time it is used.

These questions are not counted in the class's budget of false interruptions.
"""

from __future__ import annotations

from detector.contracts.clocks import apart
from detector.contracts.decisions import Reason, RiskClass, Rung
from detector.contracts.events import IntentEvent
from detector.household.decayed_uses import FORGOTTEN, strength
from detector.household.state import Habits, HouseholdState

__all__ = ["FIRST_PHYSICAL", "is_familiar", "why_first_physical"]

#: The reason's code.
FIRST_PHYSICAL = "first_physical_command"
#: A command stays familiar for this long after its last meant use: a garage door in winter.
_FAMILIAR_SECONDS = 90 * 86_400.0


def is_familiar(household: HouseholdState, intent: str, at: float) -> bool:
    """Return whether the household remembers a meant use of ``intent`` at the log's time ``at``.

    A label that says that a use was a misfire makes the household forget it. A label that says that
    one was meant confirms nothing.
    """
    bare = household.unlabelled
    habits = (household,) if bare is None else (household, bare)
    return all(_remembers(each, intent, household.learned, at) for each in habits)


def _remembers(habits: HouseholdState | Habits, intent: str, learned: int, at: float) -> bool:
    used = habits.commands.last_used.get(intent)
    if used is not None and apart(at, used) < _FAMILIAR_SECONDS:
        return True
    return strength(habits.intents.get(intent), learned) >= FORGOTTEN


def why_first_physical(
    event: IntentEvent, household: HouseholdState, risk: RiskClass, rung: Rung, *, at: float
) -> Reason | None:
    """Return why a physical command needs a confirmation in this household, or ``None``.

    A command is familiar if the household's memory contains a meant use: confirmed, or executed and
    not undone. It becomes new again after 90 days without a use, or when more than a hundred other
    commands displace it, unless it is still among the habits of the latest 228 sessions. A command
    that was only asked about stays new. Rungs below the worker do not have the household's
    state and always ask.
    """
    if risk is not RiskClass.PHYSICAL:
        return None
    if rung is not Rung.WORKER:
        text = f"Only the worker knows whether this household has used {event.intent} before."
    elif not is_familiar(household, event.intent, at):
        text = (
            f"{event.intent} acts on the physical world, "
            "and this household has never confirmed it before."
        )
    else:
        return None
    return Reason(code=FIRST_PHYSICAL, event_id=event.event_id, bits=0.0, text=text)
