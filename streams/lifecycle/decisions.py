"""Finds the decision on an event in the log, the newest records first."""

from __future__ import annotations

from detector.contracts.decisions import Decision
from streams.errors import RecordError, TopicMissing
from streams.kafka.connection import Brokers
from streams.kafka.reading_backwards import read_backwards
from streams.kafka.topics import DECISIONS, admin
from streams.wire.records import DECISION
from streams.wire.state.marks import partition_of

__all__ = ["find_decision"]


def find_decision(brokers: Brokers, event_id: str, household_id: str | None = None) -> Decision:
    """Return the decision on an event.

    With ``household_id``, reading stops at the decision. Without it, the whole log is read, because
    an event id belongs to its household and others may use the same.

    Raises:
        RecordError: with code ``unknown_event`` if the log has no decision on the event, or
            ``ambiguous_event`` if several households have such an event.
        DependencyUnavailable: the log cannot be read.
    """
    needle, found = event_id.encode(), dict[str, Decision]()
    only = None if household_id is None else _partition(brokers, household_id)
    for window in read_backwards(brokers, DECISIONS, only):
        for held in window:
            if held.value is None or needle not in held.value:
                continue
            try:
                decision = DECISION.decode(held.value)
            except RecordError:
                continue
            if decision.event_id == event_id and held.key == decision.household_id.encode():
                found[decision.household_id] = decision
        if household_id in found:
            break
    if household_id is not None:
        found = {name: each for name, each in found.items() if name == household_id}
    if not found:
        raise RecordError(
            "unknown_event",
            f"{DECISIONS} has no decision on this event: it contains workers' decisions only, "
            "within the topic's retention",
        )
    if len(found) > 1:
        raise RecordError(
            "ambiguous_event",
            f"{len(found)} households have an event with this id; name the household",
        )
    return next(iter(found.values()))


def _partition(brokers: Brokers, household_id: str) -> int:
    client = admin(brokers)
    try:
        (described,) = client.describe_topics([DECISIONS])
    finally:
        client.close()
    partitions = len(described.get("partitions", ()))
    if not partitions:
        raise TopicMissing(DECISIONS)
    return partition_of(household_id.encode(), partitions)
