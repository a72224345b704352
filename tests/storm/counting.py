"""The count at the end: what became of each id, from the answer to the household's state."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from detector.contracts.decisions import Rung
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, HOUSEHOLDS, INTENTS
from streams.wire.records import DECISION, INTENT, header
from streams.wire.state.packing import unpack
from streams.wire.state.progress import PROGRESS, is_behind, progress_of
from tests.integration.kafka import Broker
from tests.integration.worker import Log
from tests.storm.load import Call

__all__ = ["Count", "count_ids", "decisions_of", "logged_events", "settled"]

#: Seconds for which a gateway may hold a record that no broker has stored. One that is killed in
#: that time loses it; its caller got an answer that says that no worker has seen the event.
_HELD_SECONDS = 60.0


@dataclass
class Count:
    """Every id that is not where it should be; ``ok`` if there is none.

    Attributes:
        calls: calls, of which ``by_worker`` were answered by a worker.
        logged: distinct ids in the log of intents; ``logged_again`` were there more than once.
        decided_again: ids with several records of the same decision.
        answered_not_logged: the worker answered, but the log has no event or no decision.
        logged_not_decided: the log has the event but no decision.
        accepted_not_logged: a gateway that lived on answered, but never wrote the event.
        unaccepted: the event never reached a gateway that lived on; its caller knows that.
        decided_differently: several decisions on one event, or another one than the answer.
        miscounted: households whose state counts other than their logged events.
        dead_letters: records that could not be handled.
        late: calls that were answered after their deadline, or never.
    """

    calls: int = 0
    by_worker: int = 0
    logged: int = 0
    logged_again: int = 0
    decided_again: int = 0
    unaccepted: int = 0
    answered_not_logged: list[str] = field(default_factory=list)
    logged_not_decided: list[str] = field(default_factory=list)
    accepted_not_logged: list[str] = field(default_factory=list)
    decided_differently: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)
    dead_letters: int = 0
    late: int = 0

    def numbers(self) -> dict[str, int]:
        """Return each figure by its name; the lists by their length."""
        return {
            name.replace("_", " "): value if isinstance(value, int) else len(value)
            for name, value in asdict(self).items()
        }

    @property
    def ok(self) -> bool:
        """Whether nothing was lost, applied twice, decided differently or late."""
        return not (
            self.answered_not_logged
            or self.logged_not_decided
            or self.accepted_not_logged
            or self.decided_differently
            or self.miscounted
            or self.dead_letters
            or self.late
        )


def settled(broker: Broker) -> bool:
    """Return whether every logged event is decided and in its household's state."""
    logged, decided, applied = logged_events(broker), decisions_of(broker), _applied(broker)
    return set(logged) <= set(decided) and sum(applied.values()) >= len(logged)


def count_ids(
    broker: Broker, calls: Sequence[Call], unanswered: int, kills: Sequence[tuple[int, float]]
) -> Count:
    """Count once everything has settled.

    Args:
        broker: the cluster.
        calls: the calls of the load.
        unanswered: calls that never returned.
        kills: number and time of each kill of a gateway.
    """
    logged, decided, applied = logged_events(broker), decisions_of(broker), _applied(broker)
    found = Count(
        calls=len(calls) + unanswered,
        by_worker=sum(call.answered_by_worker for call in calls),
        logged=len(logged),
        logged_again=sum(times > 1 for times, _ in logged.values()),
        decided_again=sum(sum(values.values()) > 1 for values in decided.values()),
        logged_not_decided=sorted(set(logged) - set(decided)),
        decided_differently=sorted(event for event, values in decided.items() if len(values) > 1),
        dead_letters=len(_read(broker, DEAD_LETTERS)),
        late=unanswered + sum(call.late or call.decision is None for call in calls),
    )
    for call in calls:
        event_id = call.event.event_id
        if call.answered_by_worker:
            if event_id not in logged or event_id not in decided:
                found.answered_not_logged.append(event_id)
            elif call.decision and DECISION.encode(call.decision) not in decided[event_id]:
                found.decided_differently.append(event_id)
        elif event_id not in logged:
            if _accepted(call, kills):
                found.accepted_not_logged.append(event_id)
            else:
                found.unaccepted += 1
    events = Counter(household for _, household in logged.values())
    found.miscounted += [
        f"{household}: {applied.get(household, 0)} of {number}"
        for household, number in sorted(events.items())
        if applied.get(household, 0) != number
    ]
    return found


def _accepted(call: Call, kills: Sequence[tuple[int, float]]) -> bool:
    """Return whether a gateway answered and was not killed while it may have held the event."""
    if call.decision is None or call.decision.rung is Rung.POLICY:
        return False
    return not any(
        gateway == call.gateway and call.began <= at <= call.began + _HELD_SECONDS
        for gateway, at in kills
    )


def _read(broker: Broker, topic: str) -> list[Any]:
    log = Log(broker, topic)
    try:
        return log.read_to_end()
    finally:
        log.close()


def logged_events(broker: Broker) -> Mapping[str, tuple[int, str]]:
    """Return how often each event is in the log, and its household, by id."""
    found: dict[str, tuple[int, str]] = {}
    kind = ("ce_type", INTENT.type.encode())
    for record in _read(broker, INTENTS):
        if record.key is not None and kind in record.headers:
            event = INTENT.decode(record.value)
            times, _ = found.get(event.event_id, (0, ""))
            found[event.event_id] = (times + 1, event.household_id)
    return found


def decisions_of(broker: Broker) -> Mapping[str, Counter[bytes]]:
    """Return the decisions on each event and how often each one was written, by id."""
    found: dict[str, Counter[bytes]] = defaultdict(Counter)
    for record in _read(broker, DECISIONS):
        found[DECISION.decode(record.value).event_id][record.value] += 1
    return found


def _applied(broker: Broker) -> Mapping[str, int]:
    """Return the number of events in each household's latest state, as recovery finds it."""
    latest: dict[bytes, Any] = {}
    for record in sorted(_read(broker, HOUSEHOLDS), key=lambda each: (each.partition, each.offset)):
        before = latest.get(record.key)
        if before is None or not is_behind(_progress(record), _progress(before)):
            latest[record.key] = record
    states = [unpack(record.value).state for record in latest.values() if record.value is not None]
    return {state.household_id: state.events for state in states}


def _progress(record: Any) -> bytes:
    return header(record.headers, PROGRESS) or progress_of(unpack(record.value))
