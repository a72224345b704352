"""What only a few households use does not get into a model: a name that is one family's tells of that family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from detector.contracts.events import IntentEvent

__all__ = ["FEWEST_HOUSEHOLDS", "Common", "common_names"]

#: Households that have to use a name: a trial with a dozen of them has to learn something. With many, five costs nothing.
FEWEST_HOUSEHOLDS = 2


@dataclass(frozen=True, slots=True)
class Common:
    """A stream without rare names: its events, and how many names of intents and of slots were left out."""

    events: tuple[IntentEvent, ...]
    intents: int
    slots: int


def common_names(events: Sequence[IntentEvent], fewest: int = FEWEST_HOUSEHOLDS) -> Common:
    """Leave out events whose intent, and slots whose name, fewer than ``fewest`` households use.

    An intent that a model does not know is told as such (``unknown intent``) when it comes; nothing is guessed about it. Slots are
    counted among the events that stay. The order of the events stays as it is.

    This is k-anonymity of names, not of chains: a rare sequence of common names is counted (Sweeney 2002, Int. J. Uncertain. Fuzziness 10).
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
