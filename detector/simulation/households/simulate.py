"""Simulating households over days: a stream of meant events in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from detector.contracts.events import IntentEvent
from detector.progress import Progress, silent
from detector.simulation.households.dialogues import dialogue
from detector.simulation.households.profiles import (
    Channels,
    Profile,
    make_profile,
    new_id,
    new_token,
)
from detector.simulation.households.skills import CATALOGUE, DOMAINS, Skill
from detector.simulation.misfires import Turn

__all__ = ["Simulation", "confidences", "recognised", "simulate", "spoken"]

#: Shares of sessions outside a routine: a domain that is not a favourite, and a visitor.
_NOVEL, _GUEST = 0.04, 0.02
#: Relative use by hour of the day: little at night, most in the evening.
_HOURS = np.array(
    [1, 1, 1, 1, 1, 2, 6, 9, 8, 5, 4, 5, 7, 6, 4, 4, 5, 8, 11, 12, 11, 9, 6, 3], dtype=float
)
#: Beta parameters of the confidence of a meant turn, clear or mumbled, and the share of the latter.
_CLEAR, _MUMBLED, _MUMBLED_SHARE = (14.0, 1.5), (5.0, 3.0), 0.05
#: How often a runtime with speaker recognition does not recognise the speaker.
_STRANGER = 0.15


@dataclass(frozen=True, slots=True)
class Simulation:
    """A clean stream in order of time, and the profiles of its households."""

    events: list[IntentEvent]
    profiles: dict[str, Profile]


def simulate(
    households: int = 120,
    days: int = 30,
    *,
    seed: int = 0,
    first: int = 0,
    start: datetime = datetime(2026, 1, 5, tzinfo=UTC),
    progress: Progress = silent,
) -> Simulation:
    """Simulate households that mean everything they say. Equal arguments give equal streams.

    Args:
        households: number of households.
        days: number of days.
        seed: seed of all randomness.
        first: number of the first household; a household does not depend on the others.
        start: midnight (UTC) of the first day.
        progress: called with (stage, done, total).
    """
    events: list[IntentEvent] = []
    profiles = {}
    for number in range(households):
        progress("simulating households", number, households)
        rng = np.random.default_rng([seed, first + number])
        profile = make_profile(rng)
        profiles[profile.household_id] = profile
        for skill, slots, time in _wishes(profile, days, start, rng):
            events += spoken(profile, dialogue(skill, slots, rng), time, rng)
    progress("simulating households", households, households)
    return Simulation(sorted(events, key=lambda event: (event.time, event.event_id)), profiles)


def spoken(
    profile: Profile,
    turns: Sequence[Turn],
    time: datetime,
    rng: np.random.Generator,
    *,
    device: str | None = None,
) -> list[IntentEvent]:
    """Return one session: ``turns`` as this household's runtime reports them from ``time`` on."""
    session, device = new_id("s", rng), device or str(rng.choice(profile.devices))
    speaker = recognised(profile, rng)
    events = []
    for turn in turns:
        heard = confidences(profile.channels, rng)
        events.append(
            IntentEvent(
                event_id=new_id("e", rng),
                time=time,
                household_id=profile.household_id,
                device_id=device,
                session_id=session,
                intent=turn.intent,
                act=turn.act,
                commits=turn.commits,
                slots=dict(turn.slots),
                speaker_id=speaker,
                runtime=profile.runtime,
                **heard,
            )
        )
        time += timedelta(milliseconds=int(1000 * rng.lognormal(2.2, 0.5)))
    return events


def recognised(profile: Profile, rng: np.random.Generator) -> str | None:
    """Draw the speaker that the runtime recognises, or ``None``."""
    if profile.channels is not Channels.ALL or rng.random() < _STRANGER:
        return None
    return str(rng.choice(profile.speakers))


def _wishes(
    profile: Profile, days: int, start: datetime, rng: np.random.Generator
) -> Iterator[tuple[Skill, dict[str, str], datetime]]:
    """Yield what the household wants, in order of time: its routines and spontaneous wishes."""
    liked = np.array(list(profile.domains.values()))
    shares, hours = liked / liked.sum(), _HOURS / _HOURS.sum()
    for day in range(days):
        wishes: list[tuple[float, Skill, dict[str, str]]] = [
            (routine.hour + float(rng.normal(0.0, 0.2)), routine.skill, dict(routine.slots))
            for routine in profile.routines
            if rng.random() < routine.often
        ]
        for _ in range(int(rng.poisson(profile.sessions_per_day))):
            skill, slots = _comes_up(profile, shares, rng)
            hour = float(rng.choice(24, p=hours)) + float(rng.random())
            wishes.append((hour, skill, slots))
        for hour, skill, slots in sorted(wishes, key=lambda wish: wish[0]):
            yield (
                skill,
                slots,
                start
                + timedelta(days=day, milliseconds=int(3_600_000 * min(max(hour, 0.0), 23.9))),
            )


def _comes_up(
    profile: Profile, shares: npt.NDArray[np.float64], rng: np.random.Generator
) -> tuple[Skill, dict[str, str]]:
    """Draw a spontaneous wish: mostly for a favourite domain, sometimes for another."""
    chance = rng.random()
    if chance < _GUEST:
        skill = CATALOGUE[int(rng.integers(len(CATALOGUE)))]
        return skill, {
            name: new_token(rng) for name, often in skill.slots.items() if rng.random() < often
        }
    if chance < _GUEST + _NOVEL:
        new = [skill for skill in CATALOGUE if skill.domain not in profile.domains]
        skill = new[int(rng.integers(len(new)))]
    else:
        skills = DOMAINS[list(profile.domains)[int(rng.choice(len(shares), p=shares))]][0]
        skill = skills[int(rng.integers(len(skills)))]
    return skill, profile.slots(skill, rng)


def confidences(channels: Channels, rng: np.random.Generator) -> dict[str, float | None]:
    """Draw the confidences of a meant turn, without those that the runtime does not report."""
    shape = _MUMBLED if rng.random() < _MUMBLED_SHARE else _CLEAR
    drawn: list[float | None] = [round(float(value), 3) for value in rng.beta(*shape, size=3)]
    asr, intent, wake = drawn
    if channels is Channels.NONE:
        return {}
    if channels is Channels.ASR_ONLY:
        return {"asr_confidence": asr}
    return {"asr_confidence": asr, "intent_confidence": intent, "wake_confidence": wake}
