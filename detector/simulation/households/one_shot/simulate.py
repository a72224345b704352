"""Simulating homes over days: a stream of meant one-shot commands in order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from detector.contracts.events import Act, IntentEvent
from detector.progress import Progress, silent
from detector.simulation.households.one_shot.catalogue import COMMANDS, HOURS, KINDS
from detector.simulation.households.one_shot.dialects import DIALECTS, Dialect
from detector.simulation.households.one_shot.home import Home, Thing, draw_home, draw_taste
from detector.simulation.households.one_shot.residents import Day
from detector.simulation.households.profiles import Profile, new_id, new_token
from detector.simulation.households.simulate import Simulation, confidences, recognised

__all__ = ["simulate_homes"]

#: In its first days a home tries things out: this many times its usual exploration, falling to a
#: third within so many days.
_CURIOUS, _CURIOUS_DAYS = 3.0, 5.0
#: How often a command that was tried becomes a habit.
_ADOPTED = 0.3
#: How often a command is said again because the assistant did not obey.
_RETRIED = 0.03
#: How often a light is followed by the same command for another room.
_NEXT_ROOM = 0.12
#: How much longer the pause after a command to the garage is: the car has to move.
_DRIVING = 6.0
#: Seconds within which a runtime that keeps sessions continues one.
_SAME_SESSION = 60.0
_PLACED = frozenset(kind.name for kind in KINDS if kind.placed)
_QUESTIONS = frozenset({"state", "get", "time", "date", "status", "read"})
#: Commands that residents give in the middle of the night.
_NIGHT = ("light.on", "light.off", "clock.time", "media.off", "climate.set", "lock.state")


@dataclass(frozen=True, slots=True)
class _Wish:
    """A command at a local hour; ``thing`` is ``None`` if the home has no such device."""

    hour: float
    command: str
    thing: Thing | None


def simulate_homes(
    homes: int = 60,
    days: int = 30,
    *,
    seed: int = 0,
    first: int = 0,
    start: datetime = datetime(2026, 1, 5, tzinfo=UTC),
    dialects: Mapping[str, Dialect] = DIALECTS,
    progress: Progress = silent,
) -> Simulation:
    """Simulate homes that mean every command. Equal arguments give equal streams.

    Local time is UTC, as everywhere in the model.

    Args:
        homes: number of homes.
        days: number of days.
        seed: seed of all randomness.
        first: number of the first home; a home does not depend on the others.
        start: midnight of the first day.
        dialects: the dialects to draw from, by their shares.
        progress: called with (stage, done, total).
    """
    events: list[IntentEvent] = []
    profiles: dict[str, Profile] = {}
    for number in range(homes):
        progress("simulating homes", number, homes)
        rng = np.random.default_rng([seed, first + number, 2])
        home = draw_home(days, rng, dialects)
        profiles[home.profile.household_id] = home.profile
        events += _events(home, days, start, rng)
    progress("simulating homes", homes, homes)
    return Simulation(sorted(events, key=lambda event: (event.time, event.event_id)), profiles)


def _events(
    home: Home, days: int, start: datetime, rng: np.random.Generator
) -> Iterator[IntentEvent]:
    session, until, before = "", start, ""
    for day in range(days):
        for wish in sorted(_day(home, day, start, rng), key=lambda wish: wish.hour):
            time = start + timedelta(days=day, milliseconds=int(3_600_000 * wish.hour))
            device = _satellite(home, wish.thing, rng)
            if not (home.keeps_session and time < until and device == before):
                session = new_id("s", rng)
            until, before = time + timedelta(seconds=_SAME_SESSION), device
            verb = wish.command.partition(".")[2]
            yield IntentEvent(
                event_id=new_id("e", rng),
                time=time,
                household_id=home.profile.household_id,
                device_id=device,
                session_id=session,
                intent=home.dialect.intents[wish.command],
                act=Act.INITIATE,
                commits=home.queries_commit or verb not in _QUESTIONS,
                slots=_slots(home, wish, rng),
                speaker_id=recognised(home.profile, rng),
                runtime=home.dialect.runtime,
                **confidences(home.profile.channels, rng),
            )


def _day(home: Home, day: int, start: datetime, rng: np.random.Generator) -> list[_Wish]:
    """Draw the commands of one day, in no particular order."""
    weekday = (start + timedelta(days=day)).weekday()
    people = [(each, each.day(day, weekday, rng)) for each in home.residents]
    present = [(each, hours) for each, hours in people if hours is not None]
    if home.is_away(day) or not present:
        return []
    wishes: list[_Wish] = []
    for hour, commands in home.habits.wishes([hours for _, hours in present], rng):
        wishes += _burst(home, hour, commands, day, rng)
    shares = np.array([each.share for each, _ in present])
    # A command by mood is one of about 1 / (1 - follows).
    lively = (
        home.rate * (1.0 - home.follows) * min(shares.sum() / max(_usual_share(home), 1e-9), 2.0)
    )
    for _ in range(int(rng.poisson(max(lively - home.habits.per_day(), 0.25 * lively)))):
        hours = present[int(rng.choice(len(shares), p=shares / shares.sum()))][1]
        wishes += _by_mood(home, hours, day, rng)
    for each, hours in present:
        if rng.random() < each.wakes:
            known = [name for name in _NIGHT if name in home.tastes]
            if known:
                hour = float(rng.uniform(0.5, hours.rises))
                wishes += _burst(home, hour, (str(rng.choice(known)),), day, rng)
    home.given |= {wish.command for wish in wishes}
    return wishes


def _usual_share(home: Home) -> float:
    return sum(each.share for each in home.residents if each.first == 0)


def _by_mood(home: Home, hours: Day, day: int, rng: np.random.Generator) -> Iterable[_Wish]:
    """Draw a spontaneous command of a resident who is in, and what follows it."""
    hour = _hour(hours, rng)
    if hour is None:
        return []
    curious = 1.0 + (_CURIOUS - 1.0) * float(np.exp(-day / _CURIOUS_DAYS))
    if rng.random() < home.explores * curious:
        return _burst(home, hour, _explored(home, rng), day, rng)
    at = int(hour - (hours.rises - 7.0)) % 24
    usable = [name for name in home.tastes if _available(home, name, day)]
    weights = np.array([home.tastes[name] * home.hours[name][at] for name in usable])
    if not weights.any():
        return []
    name = usable[int(rng.choice(len(usable), p=weights / weights.sum()))]
    said, command = [name], COMMANDS[name]
    while len(said) < 6 and rng.random() < home.follows:
        again = f"{command.kind}.{command.again}"
        if command.again and _available(home, again, day) and again in home.dialect.intents:
            said.append(again)
        elif command.kind == "light" and rng.random() < _NEXT_ROOM / home.follows:
            said.append(name)
        else:
            break
    return _burst(home, hour, tuple(said), day, rng)


def _hour(hours: Day, rng: np.random.Generator) -> float | None:
    """Draw an hour at which the resident is in; ``None`` if there hardly is one."""
    weights = HOURS["awake"]
    for _ in range(8):
        hour = float(rng.choice(24, p=weights / weights.sum())) + float(rng.random())
        hour += hours.rises - 7.0
        if hours.is_in(hour):
            return hour
    return None


def _explored(home: Home, rng: np.random.Generator) -> tuple[str, ...]:
    """Draw a command that the home has never given, four times as likely of a device it has."""
    owned = {thing.kind for thing in home.things}
    new = [name for name in home.dialect.intents if name not in home.given]
    if not new:
        return ()
    weights = np.array([4.0 if COMMANDS[name].kind in owned else 1.0 for name in new])
    name = new[int(rng.choice(len(new), p=weights / weights.sum()))]
    if COMMANDS[name].kind in owned and rng.random() < _ADOPTED:
        home.tastes[name] = max(draw_taste(COMMANDS[name], rng), 0.1)
    return (name,)


def _available(home: Home, name: str, day: int) -> bool:
    return bool(home.things_of(COMMANDS[name].kind, day))


def _burst(
    home: Home, hour: float, commands: tuple[str, ...], day: int, rng: np.random.Generator
) -> Iterator[_Wish]:
    """Yield commands in quick succession, each for a device of the home; some are said again."""
    near: str | None = None
    for name in commands:
        things = home.things_of(COMMANDS[name].kind, day)
        close = [thing for thing in things if thing.area == near] or things
        thing = close[int(rng.integers(len(close)))] if close else None
        near = thing.area if thing else near
        for _ in range(2 if rng.random() < _RETRIED else 1):
            yield _Wish(hour, name, thing)
            slow = _DRIVING if COMMANDS[name].kind == "garage" else 1.0
            hour += slow * float(rng.lognormal(2.3, 0.7)) / 3600.0


def _satellite(home: Home, thing: Thing | None, rng: np.random.Generator) -> str:
    """Return the satellite in the device's room, if there is one; otherwise any."""
    near = [device for device, area in home.satellites if thing and area == thing.area]
    if near and rng.random() < home.near:
        return near[0]
    return home.satellites[int(rng.integers(len(home.satellites)))][0]


def _slots(home: Home, wish: _Wish, rng: np.random.Generator) -> dict[str, str]:
    command, names = COMMANDS[wish.command], home.dialect.slots
    said = {
        names.get(slot, slot): home.value(slot, rng)
        for slot, often in command.slots.items()
        if rng.random() < often
    }
    if command.kind not in _PLACED:
        return said
    if wish.thing is None:
        return said | {"name": new_token(rng)}
    one = len([thing for thing in home.things if thing.kind == command.kind]) == 1
    if rng.random() < (0.9 if one else home.by_name):
        return said | {"name": wish.thing.name}
    return said | {names.get("area", "area"): wish.thing.area}
