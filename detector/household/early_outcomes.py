"""Outcomes that arrive before their event and wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.outcome_table import OutcomeRefused, entry
from detector.contracts.standing import Standing
from detector.household.fast_replace import changed
from detector.household.standings import standing_after
from detector.household.state import MAX_EARLY, HouseholdState

__all__ = ["keep_early", "refused_early", "without_early"]


def keep_early(state: HouseholdState, outcome: Outcome, at: float) -> HouseholdState:
    """Keep an early outcome, dated by the log's time; ignore a repetition of it."""
    waits = [(each.event_id, each.outcome, each.source) for each in state.early]
    if (outcome.event_id, outcome.outcome, outcome.source) in waits:
        return state
    waiting = replace(outcome, time=datetime.fromtimestamp(at, UTC))
    return changed(state, early=(*state.early, waiting)[-MAX_EARLY:])


def refused_early(
    before: HouseholdState, event: IntentEvent, decision: Decision
) -> Iterator[tuple[Outcome, OutcomeRefused]]:
    """Yield the outcomes that arrived before an event and are refused after the decision on it.

    Args:
        before: the household's state before the event.
        event: the event.
        decision: the decision on the event.
    """
    standing = standing_after(decision) if event.commits else Standing.NO_COMMAND
    for outcome in before.early:
        if outcome.event_id == event.event_id:
            became = entry(standing, outcome.outcome, outcome.source)
            if isinstance(became, OutcomeRefused):
                yield outcome, became
            else:
                standing = became


def without_early(state: HouseholdState, event_id: str) -> HouseholdState:
    """Remove the outcomes that arrived before an event."""
    if not state.early:
        return state
    return changed(state, early=tuple(each for each in state.early if each.event_id != event_id))
