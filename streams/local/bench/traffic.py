"""``misfire bench traffic``: what households send, and how large the records about it are.

No process runs: simulated households are decided on by the core, and their records are encoded as
the gateway and the worker encode them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.labelled_outcomes import reveal
from detector.household.state import HouseholdState
from detector.progress import Progress, silent
from detector.simulation.households import Simulation, simulate
from detector.simulation.households.one_shot import simulate_homes
from streams.local.bench.state_size import INTENTS_MARK, OUTCOMES_MARK
from streams.wire.records import DECISION, INTENT, OUTCOME, Headers
from streams.wire.reply_headers import ReplyTarget, reply_headers
from streams.wire.state.packing import Stored, pack

__all__ = ["KINDS", "Sizes", "Traffic", "bench_traffic", "record_bytes"]

#: How households speak, and what simulates them.
KINDS: Mapping[str, Callable[..., Simulation]] = {
    "one-shot commands": simulate_homes,
    "dialogues": simulate,
}
#: A household id, correlation id and trace of the usual lengths.
_KEY_BYTES = 35
_TARGET = ReplyTarget(5, str(UUID(int=2**127)).encode())
_TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_SOURCE = "misfire/gateway"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Mean bytes of the records: key, value and headers."""

    intent: int
    decision: int
    reply: int
    outcome: int
    state: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """What simulated households of one kind send.

    Attributes:
        events_a_day: events of a household and day: the mean, and percentiles over households.
        commands_a_day: the mean of committing events.
        busiest_hour: the most commands of a household in one hour: percentiles over households,
            and the largest.
        peak_share: the share of all events in the busiest hour of the day.
        sizes: mean bytes of the records.
    """

    households: int
    days: int
    events_a_day: Mapping[str, float]
    commands_a_day: float
    busiest_hour: Mapping[str, float]
    peak_share: float
    sizes: Sizes


def bench_traffic(
    kind: str,
    bundle: Bundle,
    *,
    households: int,
    days: int,
    seed: int = 0,
    progress: Progress = silent,
) -> Traffic:
    """Measure simulated households of a kind of ``KINDS``."""
    daily, busiest, hours, commands = [], [], Counter[int](), 0
    sizes: list[tuple[int, ...]] = []
    for number in range(households):
        progress(kind, number, households)
        events = KINDS[kind](1, days, seed=seed, first=number).events
        daily.append(len(events) / days)
        hours.update(event.time.hour for event in events)
        given = [event for event in events if event.commits]
        commands += len(given)
        by_hour = Counter(int(event.seconds // 3_600) for event in given)
        busiest.append(max(by_hour.values(), default=0))
        if number < max(8, households // 20):
            sizes += _record_sizes(events, bundle)
    progress(kind, households, households)
    return Traffic(
        households=households,
        days=days,
        events_a_day={"mean": round(float(np.mean(daily)), 1), **_percentiles(daily)},
        commands_a_day=round(commands / households / days, 1),
        busiest_hour={**_percentiles(busiest), "most": float(max(busiest, default=0))},
        peak_share=round(max(hours.values(), default=0) / max(hours.total(), 1), 3),
        sizes=_mean(sizes),
    )


def record_bytes(value: bytes, headers: Headers, *, key: bool = True) -> int:
    """Return the bytes of a record: key, value, and names and values of its headers."""
    return (
        len(value)
        + _KEY_BYTES * key
        + sum(len(name) + len(content or b"") for name, content in headers)
    )


def _record_sizes(events: Iterable[IntentEvent], bundle: Bundle) -> list[tuple[int, ...]]:
    """Return the sizes of each event's records; 0 for an outcome of an event without one."""
    found: list[tuple[int, ...]] = []
    state = HouseholdState.new("none")
    for event in events:
        if not state.events:
            state = HouseholdState.new(event.household_id)
        decision, state = decide(state, event, bundle, at=event.seconds)
        outcome = 0
        if event.commits:
            state = reveal(state, event.event_id, meant=True, at=event.seconds)
            outcome = _outcome_bytes(event)
        stored = Stored(state=state, intents=(INTENTS_MARK,), outcomes=(OUTCOMES_MARK,))
        found.append((*_decided_bytes(event, decision), outcome, _KEY_BYTES + len(pack(stored))))
    return found


def _decided_bytes(event: IntentEvent, decision: Decision) -> tuple[int, int, int]:
    now: datetime = event.time
    asked = [*INTENT.headers(event.event_id, now, source=_SOURCE, trace=_TRACE)]
    asked += [("misfire_correlation_id", _TARGET.correlation), ("misfire_reply_partition", b"5")]
    value = DECISION.encode(decision)
    logged = DECISION.headers(decision.decision_id, now, source=_SOURCE, trace=_TRACE)
    replied = [*reply_headers(_TARGET, DECISION.type, now), ("traceparent", _TRACE)]
    return (
        record_bytes(INTENT.encode(event), asked),
        record_bytes(value, logged),
        record_bytes(value, replied, key=False),
    )


def _outcome_bytes(event: IntentEvent) -> int:
    outcome = Outcome(
        event_id=event.event_id,
        household_id=event.household_id,
        outcome=OutcomeKind.EXECUTED,
        source=OutcomeSource.RUNTIME,
        time=event.time,
    )
    headers = OUTCOME.headers(event.event_id, event.time, source=_SOURCE)
    return record_bytes(OUTCOME.encode(outcome), headers)


def _mean(sizes: Sequence[tuple[int, ...]]) -> Sizes:
    if not sizes:
        return Sizes(0, 0, 0, 0, 0)
    intent, decision, reply, outcome, state = np.array(sizes).T
    given = outcome[outcome > 0]
    return Sizes(
        intent=round(float(intent.mean())),
        decision=round(float(decision.mean())),
        reply=round(float(reply.mean())),
        outcome=round(float(given.mean())) if len(given) else 0,
        state=round(float(state.mean())),
    )


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {
        f"p{share}": round(float(np.percentile(values, share)), 1) if values else 0.0
        for share in (50, 90, 99)
    }
