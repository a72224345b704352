"""Residents: when they rise, leave, return and retire, on weekdays and at weekends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Day", "Resident", "draw_resident"]

#: A resident is in the house until this long before leaving, and from this long after returning.
_DOORSTEP = 0.1
#: How much an hour differs from the usual one, in hours (standard deviation).
_PUNCTUAL = 0.4


@dataclass(frozen=True, slots=True)
class Resident:
    """One resident. Hours are local, and above 24 after midnight.

    Attributes:
        share: share of the home's commands, relative to the other residents.
        rises: usual hour of rising on weekdays.
        retires: usual hour of retiring on weekdays.
        leaves: usual hour of leaving for work or school, or ``None``.
        away: usual hours away.
        workdays: probability of leaving on a weekday.
        weekend: how much later weekends are, in hours.
        outings: probability of going out on a weekday evening.
        wakes: probability of a command in the middle of the night.
        first: number of the first day in the home.
        last: number of the last day.
    """

    share: float
    rises: float
    retires: float
    leaves: float | None
    away: float
    workdays: float
    weekend: float
    outings: float
    wakes: float
    first: int = 0
    last: int = 1 << 30

    def day(self, number: int, weekday: int, rng: np.random.Generator) -> Day | None:
        """Draw the hours of one day; ``None`` if the resident does not live here on that day."""
        if not self.first <= number <= self.last:
            return None
        free = weekday >= 5
        later = self.weekend if free else 0.0
        rises = self.rises + later + float(rng.normal(0.0, _PUNCTUAL))
        retires = self.retires + float(rng.normal(0.0, 1.5 * _PUNCTUAL))
        retires += 0.7 * self.weekend if weekday in {4, 5} else 0.0
        trips: list[tuple[float, float]] = []
        if self.leaves is not None and not free and rng.random() < self.workdays:
            leaves = max(self.leaves + float(rng.normal(0.0, _PUNCTUAL)), rises + 0.3)
            trips.append((leaves, leaves + max(self.away + float(rng.normal(0.0, 0.7)), 1.0)))
        elif rng.random() < (0.7 if free else 0.5):
            leaves = rises + float(rng.uniform(1.0, 7.0))
            trips.append((leaves, leaves + float(rng.gamma(2.0, 0.9)) + 0.3))
        if rng.random() < self.outings * (2.5 if weekday in {4, 5} else 1.0):
            leaves = max(float(rng.normal(18.8, 0.8)), *(back + 0.3 for _, back in trips), rises)
            back = leaves + float(rng.gamma(5.0, 0.65))
            trips.append((leaves, back))
            retires = max(retires, back + 0.4)
        return Day(rises, max(retires, rises + 8.0), tuple(trips))


@dataclass(frozen=True, slots=True)
class Day:
    """One resident's day: rising, retiring, and the trips between."""

    rises: float
    retires: float
    trips: tuple[tuple[float, float], ...]

    def is_in(self, hour: float) -> bool:
        """Return whether the resident is awake and in the house."""
        return self.rises <= hour <= self.retires and not any(
            leaves - _DOORSTEP < hour < back + _DOORSTEP for leaves, back in self.trips
        )


def draw_resident(
    rng: np.random.Generator, *, first: int = 0, last: int = 1 << 30, guest: bool = False
) -> Resident:
    """Draw a resident: at work, at school, on shifts, or at home all day."""
    rises = float(np.clip(rng.normal(7.0, 0.9), 4.5, 10.5))
    works = not guest and rng.random() < 0.65
    shifted = works and rng.random() < 0.12
    return Resident(
        share=float(rng.gamma(1.5)) + 0.1,
        rises=rises,
        retires=float(np.clip(rng.normal(22.9, 0.9), 20.0, 26.0)),
        leaves=(float(rng.uniform(11.0, 17.0)) if shifted else rises + float(rng.uniform(0.7, 2.0)))
        if works
        else None,
        away=float(rng.normal(8.5, 1.5)),
        workdays=float(rng.uniform(0.5, 1.0)),
        weekend=float(rng.uniform(0.0, 2.0)),
        outings=float(rng.beta(1.2, 10.0)),
        wakes=float(rng.beta(1.0, 14.0)),
        first=first,
        last=last,
    )
