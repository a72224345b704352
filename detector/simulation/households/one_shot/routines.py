"""Commands with a purpose: the routines of a day, and occasions such as a visitor at the door.

A lock, a garage or an oven is hardly used by mood. It is used when somebody leaves, returns, cooks
or opens to a visitor. A home gives only some steps of a routine by voice, each at its own rate; the
rest are automations or buttons, which a voice assistant does not see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from detector.simulation.households.one_shot.catalogue import HOURS
from detector.simulation.households.one_shot.residents import Day

__all__ = ["OCCASIONS", "ROUTINES", "STEPS", "Habits", "draw_habits"]

ROUTINES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "morning": (
            "blind.open", "light.on", "alarm.disarm", "weather.get", "clock.time", "news.get",
            "media.play", "switch.on", "heater.on", "lock.unlock",
        ),
        "leaving": (
            "media.off", "light.off", "climate.set", "vacuum.start", "alarm.arm", "lock.lock",
            "garage.open", "garage.close",
        ),
        "coming": (
            "garage.open", "garage.close", "lock.unlock", "alarm.disarm", "light.on",
            "climate.set", "media.play", "lock.lock",
        ),
        "dinner": ("oven.on", "light.on", "timer.start", "media.play", "assistant.broadcast"),
        "dusk": ("blind.close", "light.on", "switch.on", "valve.open"),
        "bedtime": (
            "scene.on", "media.off", "light.off", "light.off", "blind.close", "garage.close",
            "lock.lock", "lock.state", "alarm.arm", "wake.set", "climate.set", "switch.off",
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that happens ``often`` times a day at its ``hours``: steps, minutes apart."""

    often: float
    hours: str
    steps: tuple[str, ...]
    minutes: float


OCCASIONS: tuple[Occasion, ...] = (
    Occasion(0.35, "day", ("lock.unlock", "lock.lock"), 8.0),  # a visitor, a parcel
    Occasion(0.12, "evening", ("lock.unlock", "lock.lock"), 5.0),  # guests come and go
    Occasion(0.2, "day", ("garage.open", "garage.close"), 25.0),  # the bicycle, the car wash
    Occasion(0.15, "morning", ("oven.on", "oven.off"), 30.0),
    Occasion(0.1, "dusk", ("blind.close", "blind.open"), 60.0),  # the sun blinds the screen
)

#: Share of occasions at the home's usual hour: the children come from school, the parcels arrive.
_USUAL_HOUR = 0.7

#: The commands that are steps of a routine or an occasion.
STEPS = frozenset(
    {step for steps in ROUTINES.values() for step in steps}
    | {step for occasion in OCCASIONS for step in occasion.steps}
)


@dataclass(frozen=True, slots=True)
class Habits:
    """What one home does by voice.

    Attributes:
        kept: the probability that a routine is given by voice at all on a day it happens.
        steps: the probability of each step of each routine, if it is.
        spoken: the probability that a step of an occasion is given by voice.
        dusk: the home's hour of closing the blinds.
        dinner: the home's hour of cooking.
        usual: the home's usual hour of each occasion.
    """

    kept: Mapping[str, float]
    steps: Mapping[str, Mapping[str, float]]
    spoken: Mapping[str, float]
    dusk: float
    dinner: float
    usual: tuple[float, ...]

    def per_day(self) -> float:
        """Return the expected number of routine commands on a day."""
        return sum(kept * sum(self.steps[name].values()) for name, kept in self.kept.items())

    def scaled(self, factor: float) -> Habits:
        """Return the same habits, with each routine given by voice less often."""
        return Habits(
            {name: kept * factor for name, kept in self.kept.items()},
            self.steps,
            {name: share * factor for name, share in self.spoken.items()},
            self.dusk,
            self.dinner,
            self.usual,
        )

    def wishes(
        self, days: Sequence[Day], rng: np.random.Generator
    ) -> Iterator[tuple[float, tuple[str, ...]]]:
        """Yield the hour and the commands of each routine and occasion of a day."""
        for name, hour in self._due(days, rng):
            if rng.random() < self.kept[name]:
                said = self.steps[name]
                yield hour, tuple(step for step in said if rng.random() < said[step])
        for occasion, usual in zip(OCCASIONS, self.usual, strict=True):
            for _ in range(int(rng.poisson(occasion.often))):
                hour = _hour_of(occasion, rng)
                if rng.random() < _USUAL_HOUR:
                    hour = float(rng.normal(usual, 1.0))
                if not any(day.is_in(hour) for day in days):
                    continue
                for step in occasion.steps:
                    if rng.random() < self.spoken.get(step, 0.0):
                        yield hour, (step,)
                    hour += float(rng.gamma(2.0, occasion.minutes / 120.0))

    def _due(self, days: Sequence[Day], rng: np.random.Generator) -> Iterator[tuple[str, float]]:
        """Yield the routines of a day and their hours."""
        yield "morning", min(day.rises for day in days) + float(rng.gamma(2.0, 0.15))
        yield "bedtime", max(day.retires for day in days) - float(rng.gamma(2.0, 0.1))
        for day in days:
            for leaves, back in day.trips:
                yield "leaving", leaves - float(rng.gamma(1.5, 0.03))
                yield "coming", back + float(rng.gamma(1.5, 0.05))
        dusk, dinner = rng.normal((self.dusk, self.dinner), 0.5)
        if any(day.is_in(dusk) for day in days):
            yield "dusk", float(dusk)
        if any(day.is_in(dinner) for day in days):
            yield "dinner", float(dinner)


def draw_habits(known: frozenset[str], rng: np.random.Generator) -> Habits:
    """Draw the habits of a home that has the commands in ``known``."""
    return Habits(
        kept={name: float(rng.beta(1.0, 1.4)) for name in ROUTINES},
        steps={
            name: {
                step: float(rng.beta(0.8, 1.6)) for step in dict.fromkeys(steps) if step in known
            }
            for name, steps in ROUTINES.items()
        },
        spoken={step: float(rng.beta(0.8, 1.6)) for step in sorted(STEPS & known)},
        dusk=float(rng.normal(19.3, 1.3)),
        dinner=float(rng.normal(18.6, 0.9)),
        usual=tuple(_hour_of(occasion, rng) for occasion in OCCASIONS),
    )


def _hour_of(occasion: Occasion, rng: np.random.Generator) -> float:
    weights = HOURS[occasion.hours]
    return float(rng.choice(24, p=weights / weights.sum())) + float(rng.random())
