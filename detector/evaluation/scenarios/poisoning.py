"""Poisoning: whether many accepted commands make a strange one usual, or usual ones strange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.playing import play
from detector.evaluation.scenarios.adaptation import FEWEST_SESSIONS, is_stopped
from detector.evaluation.scenarios.household_changes import Life, strange_command
from detector.household.grouping import sessions_by_household
from detector.progress import Progress, silent
from detector.training.guest_sessions import moved

__all__ = ["ACCEPTED", "Flood", "floods"]

#: Numbers of accepted commands to measure.
ACCEPTED = (0, 1, 3, 10, 30, 100, 300)
#: Longer than the undo window, so each command is learned before the next; 300 fit into a day.
_APART = timedelta(seconds=200)
#: Time from the flood to the next attempt, long enough for questions to be forgotten.
_LATER = timedelta(days=2)
#: Number of the household's own sessions after the flood.
_OWN = 8


@dataclass(frozen=True, slots=True)
class Flood:
    """The decisions two days after a number of accepted commands in a row.

    Attributes:
        accepted: number of accepted commands.
        households: number of flooded households.
        stopped: share of households in which the same command is stopped.
        probability: median misfire probability of that command.
        commands: number of the households' own commands afterwards.
        interrupted: share of them that is interrupted.
    """

    accepted: int
    households: int
    stopped: float
    probability: float
    commands: int
    interrupted: float


def floods(
    events: Sequence[IntentEvent],
    bundle: Bundle,
    *,
    accepted: Sequence[int] = ACCEPTED,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[Flood, ...]:
    """Flood every household half-way through its sessions with one command that is strange to it.

    A third party's skill could cause such a flood.

    Args:
        events: meant events, in order of time; the bundle should not have been trained on them.
        bundle: the bundle that decides.
        accepted: numbers of commands that are executed and never undone.
        seed: seed of the choice of commands.
        progress: called with (stage, done, total).

    Returns:
        A row for each number, or nothing if no household has enough sessions and a domain that only
        others use.
    """
    lives = _floodable(sessions_by_household(events), seed)
    if not lives:
        return ()
    found = []
    for done, count in enumerate(accepted):
        progress("flooding households", done, len(accepted))
        found.append(_flood(lives, count, bundle))
    progress("flooding households", len(accepted), len(accepted))
    return tuple(found)


def _floodable(
    households: Mapping[str, Sequence[Sequence[IntentEvent]]], seed: int
) -> list[tuple[Life, list[IntentEvent]]]:
    """Return each household with enough sessions, and a command that is strange to it."""
    found = []
    for number, (name, sessions) in enumerate(households.items()):
        if len(sessions) < FEWEST_SESSIONS:
            continue
        life = Life.of(households, name)
        said = strange_command(life, np.random.default_rng([seed, number, 1]))
        if said:
            found.append((life, said))
    return found


def _flood(
    lives: Sequence[tuple[Life, Sequence[IntentEvent]]], count: int, bundle: Bundle
) -> Flood:
    strange: list[Decision] = []
    own: list[Decision] = []
    for life, said in lives:
        last = life.before[-1][-1]
        flood = [
            _said(said, last, f"flood-{number}", number * _APART) for number in range(1, count + 1)
        ]
        later = count * _APART + _LATER
        again = _said(said, last, "flood-again", later)
        # The household's next sessions, delayed until after the flood.
        delay = max(again[-1].time + _APART - life.after[0][0].time, timedelta())
        after = [
            [replace(event, time=event.time + delay) for event in session]
            for session in life.after[:_OWN]
        ]
        whole = [event for session in (*life.before, *flood, again, *after) for event in session]
        decided: Mapping[str, Decision] = {
            event.event_id: decision
            for event, decision in play(whole, bundle, frozenset())
            if event.commits
        }
        strange.append(decided[again[-1].event_id])
        own += [decided[event.event_id] for session in after for event in session if event.commits]
    return Flood(
        accepted=count,
        households=len(strange),
        stopped=round(float(np.mean([is_stopped(each) for each in strange])), 4),
        probability=round(float(np.median([each.misfire_probability for each in strange])), 6),
        commands=len(own),
        interrupted=round(float(np.mean([is_stopped(each) for each in own] or [False])), 4),
    )


def _said(
    said: Sequence[IntentEvent], last: IntentEvent, name: str, later: timedelta
) -> list[IntentEvent]:
    beside = replace(
        last, time=last.time + later, session_id=name, event_id=f"{last.event_id}-{name}"
    )
    return moved(said, beside)
