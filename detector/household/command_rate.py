"""How many commands a household gives in an hour, and the most that one home gives."""

from __future__ import annotations

from detector.household.fast_replace import changed
from detector.household.state import HouseholdState

__all__ = ["COMMANDS_AN_HOUR", "is_over_limit", "with_counted"]

#: Seven times the busiest hour among 200 simulated homes in four weeks, which had 17 commands
#: (``misfire bench traffic``).
COMMANDS_AN_HOUR = 120
_HOUR = 3_600


def is_over_limit(state: HouseholdState, at: float) -> bool:
    """Return whether a command at the log's time ``at`` exceeds ``COMMANDS_AN_HOUR``.

    ``state`` is the household before the command.
    """
    return _counted(state, at)[1] > COMMANDS_AN_HOUR


def with_counted(state: HouseholdState, at: float) -> HouseholdState:
    """Return the household with one more command in the hour of ``at``."""
    hour, given = _counted(state, at)
    return changed(state, given_in=hour, given=given)


def _counted(state: HouseholdState, at: float) -> tuple[int, int]:
    """Return the hour, and the number of commands in it with one more at ``at``.

    Records of the same hour may be out of order by a little, so a command of the hour before counts
    in the present one. If the time goes back further, the present hour came from a wrong timestamp,
    and the count continues in the hour of ``at``.
    """
    hour, latest = int(at // _HOUR), state.given_in
    if hour > latest:
        return hour, 1
    return latest if latest - hour <= 1 else hour, state.given + 1
