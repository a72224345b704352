"""``misfire bench hot``: what a household costs that gives far more commands than one home does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from time import process_time

from detector.contracts.events import Act, IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.household_limit import OVER_LIMIT
from detector.decision.labelled_outcomes import reveal
from detector.household.state import HouseholdState
from detector.simulation.households.one_shot import simulate_homes
from streams.wire.state.packing import Stored, pack

__all__ = ["HOT", "HotRow", "bench_hot"]

_DAYS = 1
_ROOMS = 400
_LOOP_SECONDS = 18.0


@dataclass(frozen=True, slots=True)
class HotRow:
    """One household.

    Attributes:
        most_an_hour: the most commands in one hour.
        cpu_us: microseconds of CPU of ``decide``, by percentile.
        state_bytes: the largest packed state.
        over_limit: commands that were marked as beyond the household's limit.
        verdicts: verdicts on commands.
    """

    household: str
    events: int
    most_an_hour: int
    cpu_us: Mapping[str, int]
    state_bytes: int
    over_limit: int
    verdicts: Mapping[str, int]


def bench_hot(bundle: Bundle, *, seed: int = 0) -> list[HotRow]:
    """Decide on the events of a home, a loop and a hotel, all of them meant."""
    return [_row(name, make(seed), bundle) for name, make in HOT.items()]


def _home(seed: int) -> Sequence[IntentEvent]:
    return simulate_homes(1, 28 * _DAYS, seed=seed, first=1).events


def _loop(seed: int) -> Sequence[IntentEvent]:
    first = next(event for event in _home(seed) if event.commits)
    return [
        replace(
            first,
            event_id=f"e{number}",
            session_id=f"s{number}",
            time=first.time + timedelta(seconds=_LOOP_SECONDS * number),
            act=Act.INITIATE,
        )
        for number in range(int(_DAYS * 86_400 / _LOOP_SECONDS))
    ]


def _hotel(seed: int) -> Sequence[IntentEvent]:
    events = [
        replace(event, household_id="hotel", device_id=f"room{room}", speaker_id=None)
        for room in range(_ROOMS)
        for event in simulate_homes(1, _DAYS, seed=seed, first=room).events
    ]
    return sorted(events, key=lambda event: (event.time, event.event_id))


#: The households, from an ordinary one to one that is none.
HOT: Mapping[str, Callable[[int], Sequence[IntentEvent]]] = {
    "a home": _home,
    "a loop, 200 commands an hour": _loop,
    f"a hotel, {_ROOMS} rooms": _hotel,
}


def _row(name: str, events: Sequence[IntentEvent], bundle: Bundle) -> HotRow:
    state, used, largest, over = HouseholdState.new(events[0].household_id), [], 0, 0
    verdicts = Counter[str]()
    for number, event in enumerate(events):
        began = process_time()
        decision, state = decide(state, event, bundle, at=event.seconds)
        used.append(process_time() - began)
        if event.commits:
            verdicts[decision.verdict.value] += 1
            over += any(reason.code == OVER_LIMIT for reason in decision.reasons)
            state = reveal(state, event.event_id, meant=True, at=event.seconds)
        if number % 50 == 0 or number == len(events) - 1:
            largest = max(largest, len(pack(Stored(state=state))))
    by_hour = Counter(int(event.seconds // 3_600) for event in events if event.commits)
    ordered = sorted(used)
    return HotRow(
        household=name,
        events=len(events),
        most_an_hour=max(by_hour.values()),
        cpu_us={
            f"p{share}": round(1e6 * ordered[int(share / 100 * (len(ordered) - 1))])
            for share in (50, 99)
        },
        state_bytes=largest,
        over_limit=over,
        verdicts=dict(verdicts),
    )
