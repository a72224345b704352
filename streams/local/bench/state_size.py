"""Measures the size of a household's state after thousands of events, and its upper bound."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count, islice
from time import perf_counter

import numpy as np
from pydantic import TypeAdapter

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.labelled_outcomes import reveal
from detector.household.grouping import sessions_by_household
from detector.household.state import HouseholdState
from detector.progress import Progress, silent
from detector.simulation.households import simulate
from streams.local.bench.largest_household import largest
from streams.wire.state.marks import Mark
from streams.wire.state.packing import Stored, pack, unpack

__all__ = [
    "INTENTS_MARK",
    "OUTCOMES_MARK",
    "StateBench",
    "bench_state",
    "final_state",
    "repeated",
    "simulated",
]

_JSON = TypeAdapter(Stored)
#: Days from which a simulated household's events per day are estimated.
_SAMPLE_DAYS = 30
#: Offsets after a year in a partition, with topic ids: they are part of the size.
INTENTS_MARK, OUTCOMES_MARK = Mark("3f9a61c2", 5, 1_000_000), Mark("b07e24d8", 5, 100_000)


@dataclass(frozen=True, slots=True)
class StateBench:
    """Sizes in bytes after ``events`` events (medians over ``households``), and times (p50).

    Attributes:
        packed: the size as stored.
        packed_most: the largest such size.
        json: the size as JSON.
        json_zlib: the size as compressed JSON.
        pack: microseconds to pack a state.
        unpack: microseconds to unpack it.
        bound: an upper bound: the size in JSON of the largest possible household.
    """

    households: int
    events: int
    packed: float
    packed_most: int
    json: float
    json_zlib: float
    pack: float
    unpack: float
    bound: int


def simulated(households: int, events: int, *, seed: int = 0) -> Iterator[Iterator[IntentEvent]]:
    """Yield the first ``events`` events of each of ``households`` simulated households."""
    for number in range(households):
        sample = len(simulate(1, _SAMPLE_DAYS, seed=seed, first=number).events)
        days = 2 * _SAMPLE_DAYS + int(1.2 * _SAMPLE_DAYS * events / max(sample, 1))
        yield islice(simulate(1, days, seed=seed, first=number).events, events)


def repeated(
    stream: Sequence[IntentEvent], households: int, events: int
) -> Iterator[Iterator[IntentEvent]]:
    """Yield the first households of a stream, repeated in later weeks until ``events`` events."""
    for sessions in islice(sessions_by_household(stream).values(), households):
        yield islice(_again([event for session in sessions for event in session]), events)


def bench_state(
    histories: Iterator[Iterator[IntentEvent]],
    bundle: Bundle,
    *,
    progress: Progress = silent,
    households: int = 0,
) -> StateBench:
    """Run households' events through the worker's core, all meant, and measure their states."""
    stored, packing, unpacking = [], [], []
    for number, events in enumerate(histories):
        progress("running households", number, households)
        stored.append(
            Stored(
                state=final_state(events, bundle),
                intents=(INTENTS_MARK,),
                outcomes=(OUTCOMES_MARK,),
            )
        )
    progress("running households", households, households)
    packed = []
    for each in stored:
        begun = perf_counter()
        packed.append(pack(each))
        packing.append(perf_counter() - begun)
        unpack(packed[-1])
        unpacking.append(perf_counter() - begun - packing[-1])
    plain = [_JSON.dump_json(each, exclude_defaults=True) for each in stored]
    return StateBench(
        households=len(stored),
        events=max((each.state.events for each in stored), default=0),
        packed=_median([len(each) for each in packed]),
        packed_most=max(map(len, packed), default=0),
        json=_median([len(each) for each in plain]),
        json_zlib=_median([len(zlib.compress(each, 9)) for each in plain]),
        pack=round(1e6 * _median(packing), 1),
        unpack=round(1e6 * _median(unpacking), 1),
        bound=len(_JSON.dump_json(largest())),
    )


def final_state(events: Iterator[IntentEvent], bundle: Bundle) -> HouseholdState:
    """Return the state of a household after its events, all of them meant and reported so."""
    state = HouseholdState.new("none")
    for event in events:
        if not state.events:
            state = HouseholdState.new(event.household_id)
        _, state = decide(state, event, bundle, at=event.seconds)
        if event.commits:
            state = reveal(state, event.event_id, meant=True, at=event.seconds)
    return state


def _again(events: Sequence[IntentEvent]) -> Iterator[IntentEvent]:
    length = timedelta(
        weeks=(max(each.time for each in events) - min(each.time for each in events)).days // 7 + 1
    )
    for time in count():
        for event in events:
            yield replace(
                event,
                event_id=f"{event.event_id}-{time}",
                session_id=f"{event.session_id}-{time}",
                time=event.time + time * length,
            )


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else 0.0
