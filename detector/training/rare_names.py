"""Leaving out names that few households use, because a unique name could identify a family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from detector.contracts.events import IntentEvent

__all__ = ["FEWEST_HOUSEHOLDS", "Common", "common_names"]

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
    intent that the model does not know is reported as unknown and not guessed.

    This is k-anonymity of names, not of chains: a rare sequence of common names is kept (Sweeney
    2002, Int. J. Uncertain. Fuzziness 10).
    """
    intents = _rare(((event.intent, event.household_id) for event in events), fewest)
    kept = [event for event in events if event.intent not in intents]
    slots = _rare(((name, event.household_id) for event in kept for name in event.slots), fewest)
    if slots:
        kept = [_without(event, slots) for event in kept]
    return Common(tuple(kept), len(intents), len(slots))


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
