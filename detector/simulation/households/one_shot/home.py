"""A home: its rooms, devices, satellites, residents and tastes, and how they change over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detector.simulation.households.one_shot.catalogue import COMMANDS, HOURS, KINDS, Command, Kind
from detector.simulation.households.one_shot.dialects import DIALECTS, Dialect
from detector.simulation.households.one_shot.residents import Resident, draw_resident
from detector.simulation.households.one_shot.routines import Habits, draw_habits
from detector.simulation.households.profiles import Channels, Profile, new_id, new_token

__all__ = ["Home", "Thing", "draw_home"]

#: Commands a day: a median of 6.5, from 1 to 40. The homes of Bentley et al. gave 65,499 commands
#: in 110 days on average, which is 6.8 a day for each of the 88 homes.
_MEDIAN, _SPREAD, _FEWEST, _MOST = 6.5, 0.85, 1.0, 40.0
#: The largest share of commands that routines take.
_ROUTINE = 0.6
#: Changes within thirty days, as expected numbers.
_NEW_DEVICES, _NEW_RESIDENTS, _HOLIDAYS, _GUESTS = 0.4, 0.05, 0.25, 0.4
#: Width of a home's own hours around their peak (standard deviation).
_PEAK_HOURS = 1.3
#: Share of a home's commands that it never gives by voice.
_UNUSED = 0.35
#: Words whose values are mostly new; the rest mostly repeat.
_NEW_VALUES = {"message": 1.0, "text": 0.95, "query": 0.4, "item": 0.25}
_USUAL_VALUES = {"item": 40, "query": 25, "minutes": 8, "time": 6}


@dataclass(frozen=True, slots=True)
class Thing:
    """A device: its room and its name as tokens, and the day from which the home has it."""

    kind: str
    area: str
    name: str
    since: int = 0


@dataclass(slots=True)
class Home:
    """One home.

    Attributes:
        profile: ids and confidences, as for households that hold dialogues.
        dialect: the names that its runtime reports.
        rate: commands a day while everybody is at home.
        things: its devices.
        satellites: (device id, room) of its voice satellites.
        residents: everybody who lives here or visits.
        holidays: (first, last) days on which the home is empty.
        habits: routines and occasions.
        tastes: the weight of each command; commands that are missing are never given by mood.
        hours: the hours of each command in this home, as in ``HOURS``.
        explores: share of commands by mood that the home has never given.
        follows: probability that a command is followed by a related one.
        near: probability that a device is controlled from the satellite in its room.
        by_name: probability that a device is named; otherwise its room is.
        values: the usual values of each slot, the first most.
        queries_commit: whether its runtime reports questions as commands.
        keeps_session: whether commands in quick succession share a session.
    """

    profile: Profile
    dialect: Dialect
    rate: float
    things: list[Thing]
    satellites: list[tuple[str, str]]
    residents: list[Resident]
    holidays: list[tuple[int, int]]
    habits: Habits
    tastes: dict[str, float]
    hours: Mapping[str, npt.NDArray[np.float64]]
    explores: float
    follows: float
    near: float
    by_name: float
    values: Mapping[str, tuple[str, ...]]
    queries_commit: bool
    keeps_session: bool
    given: set[str] = field(default_factory=set)

    def is_away(self, day: int) -> bool:
        """Return whether the home is empty on a day."""
        return any(first <= day <= last for first, last in self.holidays)

    def things_of(self, kind: str, day: int) -> list[Thing]:
        """Return the devices of a kind that the home has on a day."""
        return [thing for thing in self.things if thing.kind == kind and thing.since <= day]

    def value(self, slot: str, rng: np.random.Generator) -> str:
        """Draw the value of a slot."""
        usual = self.values.get(slot, ())
        if not usual or rng.random() < _NEW_VALUES.get(slot, 0.05):
            return new_token(rng)
        return usual[min(int(rng.geometric(2.0 / (len(usual) + 1))) - 1, len(usual) - 1)]


def draw_home(days: int, rng: np.random.Generator, dialects: Mapping[str, Dialect]) -> Home:
    """Draw a home and its changes within ``days``."""
    weights = np.array([dialect.share for dialect in dialects.values()])
    dialect = list(dialects.values())[int(rng.choice(len(weights), p=weights / weights.sum()))]
    size = int(rng.integers(1, 6))
    areas = [new_token(rng) for _ in range(int(rng.integers(1 + size // 2, 5 + size)))]
    things = [thing for kind in KINDS for thing in _things(kind, areas, dialect, days, rng)]
    owned = {thing.kind for thing in things}
    known = frozenset(
        name for name, command in COMMANDS.items()
        if command.kind in owned and name in dialect.intents
    )  # fmt: skip
    rate = float(np.clip(rng.lognormal(np.log(_MEDIAN), _SPREAD), _FEWEST, _MOST))
    habits = draw_habits(known, rng)
    habits = habits.scaled(min(1.0, _ROUTINE * rate / max(habits.per_day(), 1e-9)))
    satellites = [
        (new_id("d", rng), areas[number % len(areas)])
        for number in range(int(rng.integers(1, min(len(areas), 5) + 1)))
    ]
    return Home(
        profile=_profile(dialect, [device for device, _ in satellites], size, rng),
        dialect=dialect,
        rate=rate,
        things=things,
        satellites=satellites,
        residents=_residents(size, days, rng),
        holidays=[_stay(days, rng, 3, 12) for _ in range(_happens(_HOLIDAYS, days, rng))],
        habits=habits,
        tastes={
            name: taste for name in sorted(known) if (taste := draw_taste(COMMANDS[name], rng))
        },
        hours=_hours(rng),
        explores=float(rng.beta(1.2, 60.0)),
        follows=float(rng.beta(2.0, 9.0)),
        near=float(rng.beta(1.5, 1.5)),
        by_name=float(rng.beta(0.8, 1.2)),
        values={
            slot: tuple(new_token(rng) for _ in range(_USUAL_VALUES.get(slot, 5)))
            for slot in sorted({slot for command in COMMANDS.values() for slot in command.slots})
        },
        queries_commit=bool(rng.random() < 0.75),
        keeps_session=bool(rng.random() < 0.2),
    )


def draw_taste(command: Command, rng: np.random.Generator) -> float:
    """Draw the weight of a command in a home; 0.0 if the home never gives it by mood."""
    return 0.0 if rng.random() < _UNUSED else command.often * float(rng.gamma(0.9))


def _hours(rng: np.random.Generator) -> dict[str, npt.NDArray[np.float64]]:
    """Draw when a home gives each command: at its usual hours, or around an hour of its own.

    Homes differ in how regular they are.
    """
    regular = float(rng.beta(2.0, 1.0))
    hours = {}
    for name, command in COMMANDS.items():
        usual = HOURS[command.hours]
        peak = float(rng.choice(24, p=usual / usual.sum()))
        away = (np.arange(24) - peak + 12.0) % 24.0 - 12.0
        around = np.exp(-0.5 * (away / _PEAK_HOURS) ** 2)
        hours[name] = (1.0 - regular) * usual + regular * usual.sum() * around / around.sum()
    return hours


def _things(
    kind: Kind, areas: list[str], dialect: Dialect, days: int, rng: np.random.Generator
) -> list[Thing]:
    if not any(command.name in dialect.intents for command in kind.commands):
        return []
    late = rng.random() < _NEW_DEVICES * days / 30.0 / len(KINDS)
    if not late and rng.random() >= kind.owned:
        return []
    rooms = len(areas) if kind.name == "light" else 1
    if kind.rooms and kind.name != "light":
        rooms = min(1 + int(rng.poisson(0.8)), len(areas))
    since = int(rng.integers(days)) if late else 0
    places = rng.choice(len(areas), size=rooms, replace=False)
    return [Thing(kind.name, areas[place], new_token(rng), since) for place in sorted(places)]


def _residents(size: int, days: int, rng: np.random.Generator) -> list[Resident]:
    people = [draw_resident(rng) for _ in range(size)]
    people += [
        draw_resident(rng, first=int(rng.integers(days)))
        for _ in range(_happens(_NEW_RESIDENTS, days, rng))
    ]
    for _ in range(_happens(_GUESTS, days, rng)):
        first, last = _stay(days, rng, 1, 5)
        people.append(draw_resident(rng, first=first, last=last, guest=True))
    return people


def _happens(often: float, days: int, rng: np.random.Generator) -> int:
    return int(rng.poisson(often * days / 30.0))


def _stay(days: int, rng: np.random.Generator, fewest: int, most: int) -> tuple[int, int]:
    first = int(rng.integers(1, max(days, 2)))
    return first, first + int(rng.integers(fewest, most + 1)) - 1


def _profile(dialect: Dialect, devices: list[str], size: int, rng: np.random.Generator) -> Profile:
    channels = Channels.NONE
    if dialect is DIALECTS["packaged"] and rng.random() < 0.5:
        channels = Channels.ALL if rng.random() < 0.7 else Channels.ASR_ONLY
    return Profile(
        household_id=new_id("h", rng),
        devices=tuple(devices),
        speakers=tuple(new_id("p", rng) for _ in range(size)),
        runtime=dialect.runtime,
        channels=channels,
        domains={},
        routines=(),
        tokens={},
        sessions_per_day=0.0,
    )
