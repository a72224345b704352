"""Moments for the tests of evidence: ordinary cases and corner cases."""

from __future__ import annotations

from dataclasses import replace

from detector.contracts.events import Act, IntentEvent
from detector.evidence import Moment
from detector.household.state import MAX_TURNS
from detector.training.evidence_table import committed_moments
from tests.detector.builders import (
    dialogue,
    event,
    heard,
    policy,
    send_message,
    small_model,
    training_sessions,
)


def moments_of(sessions: list[list[IntentEvent]]) -> list[Moment]:
    """Return the moments of all committed chains in one household's sessions."""
    return list(committed_moments(sessions, small_model(), policy()))


def moment_of(intent: str, wake: float | None = None) -> Moment:
    """Return the moment of a one-shot command in a new household."""
    return moments_of([[event(intent=intent, commits=True, wake_confidence=wake)]])[0]


def send(wake: float | None = None) -> Moment:
    """Return the moment of Portland's chain in a new household."""
    return moments_of([heard(send_message(), wake)])[0]


def corners() -> list[Moment]:
    """Return the corner cases that every term must handle."""
    talk = [("conversation.Talk", Act.INFORM, False)] * (MAX_TURNS + 10)
    informs = [("messages.SendMessage", Act.INFORM, False, {"contact": "k1_x"})] * (MAX_TURNS + 10)
    commit = ("messages.SendMessage", Act.AFFIRM, True)
    known, certain = (
        send(),
        event(commits=True, asr_confidence=1.0, intent_confidence=0.0, wake_confidence=1.0),
    )
    return [
        moment_of("ovens.Ignite"),
        moment_of("lights.Unheard"),
        moment_of("conversation.Commit"),
        moment_of("messages.SendMessage"),
        *moments_of([[certain]]),
        *moments_of([dialogue(*talk, commit)]),
        *moments_of([dialogue(*informs, commit)]),
        *moments_of([dialogue(commit, commit, commit)]),
        *moments_of([[replace(send_message()[2], time=known.event.time.replace(year=1990))]]),
    ]


def every_moment() -> list[Moment]:
    """Return the corner cases, and the committed chains of two households with a history."""
    sessions = training_sessions()
    return [*corners(), *moments_of(sessions[::2]), *moments_of(sessions[1::2])]
