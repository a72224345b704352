"""The rows of a heat map of the week."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

__all__ = ["WEEKDAYS", "HourCounts", "week_rows"]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: Shades of the heat map, as many as the style sheet has colours.
_SHADES = 6


class HourCounts(Protocol):
    """The counts of one hour of the week."""

    commands: int
    interrupted: int


H = TypeVar("H", bound=HourCounts)


def week_rows(week: Sequence[Sequence[H]]) -> list[tuple[str, list[tuple[H, int]]]]:
    """Return each weekday's name, and each of its hours with a shade from 0 to 5.

    Args:
        week: (7, 24) the counts, from Monday. The busiest hour gets the darkest shade, and an hour
            with a command never the lightest.
    """
    most = max((hour.commands for day in week for hour in day), default=0)
    return [
        (name, [(hour, -(-(_SHADES - 1) * hour.commands // max(most, 1))) for hour in day])
        for name, day in zip(WEEKDAYS, week, strict=True)
    ]
