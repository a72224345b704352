"""Periods as people write them: ``30d``, ``12h`` or ``90m``."""

from __future__ import annotations

import re

from streams.errors import UsageError

__all__ = ["PERIOD", "seconds_of"]

#: The form of a period.
PERIOD = r"^\d{1,6}[mhd]$"
#: Seconds of the units of a period.
_UNITS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0}


def seconds_of(option: str, period: str) -> float:
    """Return the length of a period in seconds; ``option`` names it in the error.

    >>> seconds_of("--since", "90m")
    5400.0

    Raises:
        UsageError: it is not of this form.
    """
    if not re.match(PERIOD, period):
        raise UsageError(f"{option} {period}: write a number and a unit, such as 30d, 12h or 90m")
    return int(period[:-1]) * _UNITS[period[-1]]
