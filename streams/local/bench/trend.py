"""A straight line through measurements over time, with the uncertainty of its slope."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Trend", "trend"]

#: Neighbouring measurements are not independent. The line therefore goes through this many medians
#: of consecutive measurements.
_BLOCKS = 20
#: Student's t for a two-sided 95 % interval with ``_BLOCKS - 2`` degrees of freedom.
_T = 2.101
_HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class Trend:
    """A slope for each hour, and the half width of its 95 % interval."""

    per_hour: float
    band: float

    @property
    def rises(self) -> bool:
        """Whether the whole interval is above zero."""
        return self.per_hour > self.band


def trend(seconds: Sequence[float], values: Sequence[float]) -> Trend:
    """Return the slope of ``values`` by ordinary least squares.

    With fewer than ``_BLOCKS`` measurements the band is infinite.

    >>> trend(range(0, 400, 10), [each / 3600 for each in range(0, 400, 10)])
    Trend(per_hour=1.0, band=0.0)
    """
    if len(values) < _BLOCKS:
        return Trend(0.0, math.inf)
    x, y = (
        np.array([np.median(block) for block in np.array_split(np.array(each), _BLOCKS)])
        for each in (seconds, values)
    )
    spread = float(((x - x.mean()) ** 2).sum())
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    rest = y - y.mean() - slope * (x - x.mean())
    error = math.sqrt(float((rest**2).sum()) / (_BLOCKS - 2) / spread)
    return Trend(round(_HOUR * slope, 3), round(_HOUR * _T * error, 3))
