"""The rule for commands of a household that gives more of them than one home does."""

from __future__ import annotations

from detector.contracts.decisions import Reason
from detector.contracts.events import IntentEvent
from detector.household.command_rate import COMMANDS_AN_HOUR, is_over_limit
from detector.household.state import HouseholdState

__all__ = ["OVER_LIMIT", "why_over_limit"]

#: The reason's code.
OVER_LIMIT = "household_over_limit"


def why_over_limit(event: IntentEvent, household: HouseholdState, *, at: float) -> Reason | None:
    """Return why a command is beyond its household's limit, or ``None``.

    Calibration holds for single homes. An automation in a loop, or a building under one household
    id, is not one, so its history says little about a command.
    """
    if not event.commits or not is_over_limit(household, at):
        return None
    text = (
        f"This household has given more than {COMMANDS_AN_HOUR} commands within the hour, "
        "more than one home does."
    )
    return Reason(code=OVER_LIMIT, event_id=event.event_id, bits=0.0, text=text)
