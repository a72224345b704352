"""Changes of households, and attacks on them, as sessions before and after some point in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType

import numpy as np

from detector.contracts.events import CONVERSATION, Act, IntentEvent
from detector.training.guest_sessions import moved

__all__ = ["CHANGES", "Attacked", "Life", "attacked", "strange_command"]

Session = Sequence[IntentEvent]

#: Shares of sessions after a change: about a new domain on a new device, about a known domain on
#: it, by a guest, and moved into the night.
_NEW, _KNOWN, _GUESTS, _NIGHTLY = 0.3, 0.3, 0.5, 0.5
#: Time between two turns of an attack.
_TURN = timedelta(seconds=12)
#: An attack that has not been learned after this many attempts will not be.
_MOST_ATTEMPTS = 20
_GUEST_STAYS = timedelta(days=7)
#: Hours of the night in UTC.
_NIGHT = (0.0, 5.0)


@dataclass(frozen=True, slots=True)
class Life:
    """A household's sessions before and after a change, and the sessions of all others by name."""

    before: Sequence[Session]
    after: Sequence[Session]
    elsewhere: Mapping[str, Sequence[Session]]

    @classmethod
    def of(cls, households: Mapping[str, Sequence[Session]], name: str) -> Life:
        """Split a household's sessions in half."""
        sessions = households[name]
        half = len(sessions) // 2
        elsewhere = {other: said for other, said in households.items() if other != name}
        return cls(sessions[:half], sessions[half:], elsewhere)


def _unchanged(life: Life, _: np.random.Generator) -> list[list[IntentEvent]]:
    return [list(session) for session in life.after]


def _new_device(life: Life, rng: np.random.Generator) -> list[list[IntentEvent]]:
    """Move some sessions to a new device, and replace some by sessions in a new domain."""
    fresh = _unknown(life, rng)
    changed = []
    for session in life.after:
        chance = rng.random()
        if fresh and chance < _NEW:
            session = moved(fresh[int(rng.integers(len(fresh)))], session[0])  # noqa: PLW2901
        if chance < _NEW + _KNOWN:
            session = [replace(event, device_id=f"{event.device_id}-new") for event in session]  # noqa: PLW2901
        changed.append(list(session))
    return changed


def _guests_week(life: Life, rng: np.random.Generator) -> list[list[IntentEvent]]:
    """For a week, replace half of the sessions by sessions of one other household."""
    names = list(life.elsewhere)
    guest = life.elsewhere[names[int(rng.integers(len(names)))]]
    leaves = life.after[0][0].time + _GUEST_STAYS
    return [
        moved(guest[int(rng.integers(len(guest)))], session[0])
        if session[0].time < leaves and rng.random() < _GUESTS
        else list(session)
        for session in life.after
    ]


def _night_hours(life: Life, rng: np.random.Generator) -> list[list[IntentEvent]]:
    """Move half of the sessions into the night, as in a household with a baby."""
    changed = []
    for session in life.after:
        later = timedelta()
        if rng.random() < _NIGHTLY:
            midnight = session[0].time.replace(
                hour=0, minute=0, second=0, microsecond=0
            ) + timedelta(days=1)
            later = midnight + timedelta(hours=float(rng.uniform(*_NIGHT))) - session[0].time
        changed.append([replace(event, time=event.time + later) for event in session])
    return sorted(changed, key=lambda session: session[0].time)


#: The changes by name. Everything in them is meant.
CHANGES: Mapping[str, Callable[[Life, np.random.Generator], list[list[IntentEvent]]]] = (
    MappingProxyType(
        {
            "nothing": _unchanged,
            "a new device": _new_device,
            "a guest's week": _guests_week,
            "a baby's night hours": _night_hours,
        }
    )
)


@dataclass(frozen=True, slots=True)
class Attacked:
    """A household's sessions with repeated attempts of one command, and the ids of the attempts."""

    sessions: list[list[IntentEvent]]
    attempts: tuple[str, ...]


def attacked(life: Life, rng: np.random.Generator) -> Attacked:
    """Insert the same command, new to the household, between its later sessions.

    Each attempt has three turns, as in Portland.
    """
    sessions: list[list[IntentEvent]] = []
    attempts: list[str] = []
    said = strange_command(life, rng)
    if not said:
        return Attacked([list(session) for session in life.after], ())
    lasts = said[-1].time - said[0].time
    for number, session in enumerate(life.after):
        sessions.append(list(session))
        ends = session[-1].time
        begins = (
            life.after[number + 1][0].time
            if number + 1 < len(life.after)
            else ends + timedelta(hours=2)
        )
        if begins - ends > 3 * lasts and len(attempts) < _MOST_ATTEMPTS:
            beside = replace(
                session[0], time=ends + (begins - ends) / 3, session_id=f"attempt-{number}"
            )
            attempt = moved(said, replace(beside, event_id=f"{session[0].event_id}-attempt"))
            sessions.append(attempt)
            attempts.append(attempt[-1].event_id)
    return Attacked(sessions, tuple(attempts))


def strange_command(life: Life, rng: np.random.Generator) -> list[IntentEvent]:
    """Return another household's command in a domain that is new to this one, in three turns.

    The turns are those of Portland. The list is empty if there is no such command.
    """
    strange = _unknown(life, rng)
    return _heard(strange[int(rng.integers(len(strange)))]) if strange else []


def _heard(session: Session) -> list[IntentEvent]:
    """Return the first command of a session as background talk: initiated, detailed, affirmed."""
    last = next(event for event in session if event.commits)
    slots = {
        name: token
        for event in session
        if event.intent == last.intent
        for name, token in event.slots.items()
    }
    turns: tuple[tuple[Act, dict[str, str]], ...] = (
        (Act.INITIATE, {}),
        (Act.INFORM, slots),
        (Act.AFFIRM, {}),
    )
    return [
        replace(
            last,
            time=last.time + number * _TURN,
            act=act,
            slots=details,
            commits=act is Act.AFFIRM,
        )
        for number, (act, details) in enumerate(turns)
    ]


def _unknown(life: Life, rng: np.random.Generator) -> list[Session]:
    """Return others' sessions with commands in one domain that is new to this household.

    The domain is drawn by the number of its sessions.
    """
    known = {event.domain for session in life.before for event in session} | {CONVERSATION}
    found: dict[str, list[Session]] = {}
    for sessions in life.elsewhere.values():
        for session in sessions:
            domain = next((event.domain for event in session if event.commits), None)
            if domain is not None and domain not in known:
                found.setdefault(domain, []).append(session)
    if not found:
        return []
    weights = np.array([len(sessions) for sessions in found.values()], dtype=float)
    return list(found.values())[int(rng.choice(len(found), p=weights / weights.sum()))]
