"""Figures of a month inside a runtime, beside ``misfire evaluate daily`` of the same events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detector.contracts.decisions import Decision, RiskClass, Verdict
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.evaluation.daily import DAY_SECONDS, Judged
from detector.evaluation.playing import play
from streams.runtimes.days.played import Played

__all__ = ["Asked", "Difference", "asked", "differences", "evaluated", "judged"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A command on which the runtime and the evaluation decided differently."""

    event: IntentEvent
    in_runtime: Verdict
    evaluated: Verdict


@dataclass(frozen=True, slots=True)
class Asked:
    """A meant command that was interrupted.

    Attributes:
        event: its event.
        day: the day of its home, from 1 on.
        given: how often the home had given the intent before.
        reasons: the codes of the reasons that the evaluation gives, the strongest first.
    """

    event: IntentEvent
    day: int
    given: int
    reasons: tuple[str, ...]


def judged(played: Sequence[Played]) -> list[Judged]:
    """Return what ``detector.evaluation.daily.summed`` counts."""
    days = _days(played)
    return [
        Judged(
            day=day,
            domain=each.event.domain,
            meant=not each.phantom,
            physical=each.risk_class is RiskClass.PHYSICAL,
            interrupted=each.verdict is not Verdict.ALLOW,
        )
        for each, day in zip(played, days, strict=True)
        if each.event.commits
    ]


def evaluated(played: Sequence[Played], bundle: Bundle) -> list[Decision]:
    """Return the decisions of ``misfire evaluate daily`` on the same events."""
    phantoms = {each.event.event_id for each in played if each.phantom}
    return [decision for _, decision in play((each.event for each in played), bundle, phantoms)]


def differences(played: Sequence[Played], decisions: Sequence[Decision]) -> list[Difference]:
    """Return where the evaluation decides differently."""
    return [
        Difference(each.event, each.verdict, decision.verdict)
        for each, decision in zip(played, decisions, strict=True)
        if each.verdict is not decision.verdict
    ]


def asked(played: Sequence[Played], decisions: Sequence[Decision]) -> list[Asked]:
    """Return the meant commands that were interrupted, with the evaluation's reasons."""
    given: dict[tuple[str, str], int] = {}
    found = []
    for each, decision, day in zip(played, decisions, _days(played), strict=True):
        key = each.event.household_id, each.event.intent
        if each.phantom or not each.event.commits:
            continue
        if each.verdict is not Verdict.ALLOW:
            codes = tuple(reason.code for reason in decision.reasons)
            found.append(Asked(each.event, day, given.get(key, 0), codes))
        given[key] = given.get(key, 0) + 1
    return found


def _days(played: Sequence[Played]) -> list[int]:
    """Return the day of its home of each command, counted from the home's first."""
    first: dict[str, float] = {}
    return [
        1
        + int(
            (each.event.seconds - first.setdefault(each.event.household_id, each.event.seconds))
            // DAY_SECONDS
        )
        for each in played
    ]
