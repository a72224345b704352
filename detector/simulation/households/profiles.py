"""Profiles of simulated households: preferences, routines, devices and reported confidences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from detector.simulation.households.skills import DOMAINS, Skill

__all__ = ["Channels", "Profile", "Routine", "make_profile", "new_id", "new_token"]


class Channels(Enum):
    """The confidences that a runtime reports."""

    ALL = auto()
    ASR_ONLY = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Routine:
    """A skill used at about the same hour with the same slots.

    ``hour`` is in [0, 24); ``often`` is the probability on any one day.
    """

    skill: Skill
    hour: float
    often: float
    slots: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Profile:
    """One household.

    ``domains`` maps favourite domains to weights. ``tokens`` contains the few usual values of each
    slot.
    """

    household_id: str
    devices: tuple[str, ...]
    speakers: tuple[str, ...]
    runtime: str
    channels: Channels
    domains: Mapping[str, float]
    routines: tuple[Routine, ...]
    tokens: Mapping[str, tuple[str, ...]]
    sessions_per_day: float

    def slots(self, skill: Skill, rng: np.random.Generator) -> dict[str, str]:
        """Draw the slots of a skill, mostly from the household's usual values, the first most."""
        said = {}
        for name, often in skill.slots.items():
            if rng.random() < often:
                usual = self.tokens.get(name, ())
                known = bool(usual) and rng.random() < 0.85
                said[name] = (
                    usual[min(int(rng.geometric(0.45)) - 1, len(usual) - 1)]
                    if known
                    else new_token(rng)
                )
        return said


def new_id(kind: str, rng: np.random.Generator) -> str:
    """Return a random id with a prefix for its kind."""
    return f"{kind}_{rng.integers(2**62):016x}"


def new_token(rng: np.random.Generator) -> str:
    """Return a token in the form that the edge derives from a spoken value."""
    return f"k1_{rng.integers(2**62):016x}"


def make_profile(rng: np.random.Generator) -> Profile:
    """Draw a household."""
    names = list(DOMAINS)
    common = np.array([DOMAINS[name][1] for name in names])
    favourites = rng.choice(
        len(names), size=int(rng.integers(5, 9)), replace=False, p=common / common.sum()
    )
    liked = {names[number]: float(rng.gamma(1.5)) + 0.3 for number in sorted(favourites)}
    slots = {name for domain in DOMAINS for skill in DOMAINS[domain][0] for name in skill.slots}
    tokens = {
        name: tuple(new_token(rng) for _ in range(int(rng.integers(2, 6))))
        for name in sorted(slots)
    }
    profile = Profile(
        household_id=new_id("h", rng),
        devices=tuple(new_id("d", rng) for _ in range(int(rng.integers(1, 5)))),
        speakers=tuple(new_id("p", rng) for _ in range(int(rng.integers(1, 5)))),
        runtime=str(rng.choice(("echo", "ovos", "home_assistant"))),
        channels=Channels(rng.choice([1, 2, 3], p=[0.6, 0.2, 0.2])),
        domains=liked,
        routines=(),
        tokens=tokens,
        sessions_per_day=float(rng.gamma(6.0, 0.22)) + 0.3,
    )
    return _with_routines(profile, rng)


def _with_routines(profile: Profile, rng: np.random.Generator) -> Profile:
    skills = [skill for domain in profile.domains for skill in DOMAINS[domain][0]]
    chosen = rng.choice(len(skills), size=min(len(skills), int(rng.integers(1, 4))), replace=False)
    routines = tuple(
        Routine(
            skill=skills[number],
            hour=float(rng.choice([7.0, 8.0, 12.5, 18.0, 19.5, 21.0]))
            + float(rng.normal(0.0, 0.3)),
            often=float(rng.uniform(0.5, 0.9)),
            slots={
                name: profile.tokens[name][0]
                for name, often in skills[number].slots.items()
                if often > 0.5
            },
        )
        for number in chosen
    )
    return Profile(
        **{name: getattr(profile, name) for name in Profile.__slots__} | {"routines": routines}
    )
