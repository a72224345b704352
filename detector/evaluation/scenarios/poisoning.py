"""What a flood of accepted commands teaches a household: whether a strange command becomes usual, and its own ones unusual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.evaluate import play
from detector.evaluation.scenarios.adaptation import FEWEST_SESSIONS, is_stopped
from detector.evaluation.scenarios.household_changes import Life, strange_command
from detector.household.grouping import sessions_by_household
from detector.progress import Progress, silent
from detector.training.guest_sessions import moved

__all__ = ["ACCEPTED", "Flood", "floods"]

#: How many accepted commands are measured.
ACCEPTED = (0, 1, 3, 10, 30, 100, 300)
#: Longer than the undo window, so that each is learned from before the next; a day of them fits into a day.
_APART = timedelta(seconds=200)
#: The flood is over for so long when the command is heard again: nobody remembers the question any more.
_LATER = timedelta(days=2)
#: The household's own sessions that are looked at afterwards.
_OWN = 8


@dataclass(frozen=True, slots=True)
class Flood:
    """So many commands were accepted in a row; what is decided on the same command two days later, and on the household's own ones then.

    ``stopped`` and ``interrupted`` are shares, ``probability`` is the median misfire probability of the strange command.
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
    """Flood every household half-way through its sessions with one command that is strange to it, as a third party's skill could.

    Args:
        events: what households meant, in order of time; the bundle should not have been trained on them.
        bundle: what decides.
        accepted: how many of the commands are executed and never undone, a row each.
        seed: decides what is strange.
        progress: called with (stage, done, total) as the work goes on.

    Returns:
        a row for each number; none where no household has ten sessions and a domain that only others speak of.
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
    """Each household with sessions enough, and what will be strange to it."""
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
        # What the household would have said next, after all of that.
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
