"""Leaving out names that few households use, because a unique name could identify a family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from detector.contracts.events import IntentEvent

__all__ = ["FEWEST_HOUSEHOLDS", "Common", "common_names", "common_sessions"]

#: The default must let a trial with a dozen households learn something. With many households, five
#: costs nothing.
FEWEST_HOUSEHOLDS = 2


@dataclass(frozen=True, slots=True)
class Common:
    """A stream without rare names: its events, and how many intent and slot names were removed."""

    events: tuple[IntentEvent, ...]
    intents: int
    slots: int


def common_names(events: Sequence[IntentEvent], fewest: int = FEWEST_HOUSEHOLDS) -> Common:
    """Remove events by intent, and slots by name, that fewer than ``fewest`` households use.

    Slots are counted in the remaining events, whose order does not change. At decision time, an
    intent that the model does not know is judged by what the household itself did.

    This is k-anonymity of names, not of chains: a rare sequence of common names is kept (Sweeney
    2002, Int. J. Uncertain. Fuzziness 10).
    """
    intents, slots = _rare_names(events, fewest)
    kept = tuple(_without(event, slots) for event in events if event.intent not in intents)
    return Common(kept, len(intents), len(slots))


def common_sessions(
    sessions: Sequence[Sequence[IntentEvent]], fewest: int = FEWEST_HOUSEHOLDS
) -> list[list[IntentEvent]]:
    """Remove rare names from sessions like ``common_names``, and sessions that become empty."""
    intents, slots = _rare_names([each for session in sessions for each in session], fewest)
    kept = (
        [_without(each, slots) for each in session if each.intent not in intents]
        for session in sessions
    )
    return [session for session in kept if session]


def _rare_names(
    events: Sequence[IntentEvent], fewest: int
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the rare intents, and the slots that are rare in the events of all others."""
    intents = _rare(((event.intent, event.household_id) for event in events), fewest)
    common = (event for event in events if event.intent not in intents)
    slots = _rare(((name, event.household_id) for event in common for name in event.slots), fewest)
    return intents, slots


def _rare(uses: Iterable[tuple[str, str]], fewest: int) -> frozenset[str]:
    households: defaultdict[str, set[str]] = defaultdict(set)
    for name, household in uses:
        households[name].add(household)
    return frozenset(name for name, found in households.items() if len(found) < fewest)


def _without(event: IntentEvent, slots: frozenset[str]) -> IntentEvent:
    if slots.isdisjoint(event.slots):
        return event
    return replace(
        event, slots={name: value for name, value in event.slots.items() if name not in slots}
    )
