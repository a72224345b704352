"""What the log says, in the order of its time: events, decisions, reports and erasures."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent, OutcomeKind
from detector.evaluation.truth import Report
from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place, TopicRecord, offsets_of, read_topic
from streams.kafka.topics import DECISIONS, INTENTS, LABELS, OUTCOMES
from streams.wire.cloudevents import read_record
from streams.wire.records import (
    ANSWER,
    COMMAND,
    DECISION,
    HISTORY,
    INTENT,
    OUTCOME,
    Command,
    header,
)
from streams.wire.state.marks import partition_of

__all__ = [
    "SOURCES",
    "Erased",
    "Item",
    "Reported",
    "items",
    "read_item",
    "read_report",
    "sources_of",
]

#: The topics that are read. At the same time, they come in this order.
SOURCES = (INTENTS, DECISIONS, OUTCOMES, LABELS)
_OF = {
    OutcomeKind.EXECUTED: Report.EXECUTED,
    OutcomeKind.DENIED: Report.REFUSED,
    OutcomeKind.UNDONE: Report.REFUSED,
}
_LABELS = {each.value: each for each in (Report.MEANT, Report.MISFIRE, Report.WITHDRAWN)}


@dataclass(frozen=True, slots=True)
class Reported:
    """A report about a command, which the event's id or that of its question names."""

    household_id: str
    what: Report
    event_id: str = ""
    confirmation_id: str = ""


@dataclass(frozen=True, slots=True)
class Erased:
    """The erasure of a household."""

    household_id: str


@dataclass(frozen=True, slots=True)
class Item:
    """A record of the log.

    Attributes:
        place: its position.
        at: its log time in seconds.
        value: what it says; ``None`` if it says nothing that matters or cannot be read.
        moved: whether it is not in its household's partition: a worker forwarded it, or the topic
            has grown since.
    """

    place: Place
    at: float
    value: IntentEvent | Decision | Reported | Erased | None
    moved: bool = False


def sources_of(brokers: Brokers) -> dict[str, dict[int, tuple[int, int]]]:
    """Return the first offset and the end of each partition of each topic that exists."""
    found = {topic: offsets_of(brokers, topic) for topic in SOURCES}
    return {topic: offsets for topic, offsets in found.items() if offsets}


def items(
    brokers: Brokers,
    sources: Mapping[str, Mapping[int, tuple[int, int]]],
    partition: int,
    begin: Mapping[str, int],
) -> Iterator[Item]:
    """Yield one partition of all topics, merged by log time.

    Args:
        brokers: the brokers to read from.
        sources: the topics and their partitions (``sources_of``).
        partition: the partition.
        begin: the offset of each topic to begin at; by default the oldest.
    """
    streams = [
        map(
            partial(read_item, partitions=len(sources[topic])),
            read_topic(brokers, topic, partition, begin={partition: begin.get(topic, 0)}),
        )
        for topic in SOURCES
        if partition in sources.get(topic, ())
    ]
    return heapq.merge(*streams, key=lambda item: item.at)


def read_item(held: TopicRecord, *, partitions: int) -> Item:
    """Read a record.

    ``partitions`` is the number of partitions of its topic; with 0, it may be in any.
    """
    if (
        partitions
        and held.key is not None
        and partition_of(held.key, partitions) != held.place.partition
    ):
        return Item(held.place, held.timestamp, None, moved=True)
    try:
        value = _READ[held.place.topic](held)
    except (RecordError, ValueError, LookupError, TypeError, AttributeError):
        value = None
    if value is not None and held.key != value.household_id.encode():
        value = None  # a worker refuses it, too
    return Item(held.place, held.timestamp, value)


def read_report(held: TopicRecord) -> Reported | None:
    """Read a record of the outcomes or the labels; ``None`` if it says nothing that matters."""
    value = read_item(held, partitions=0).value
    return value if isinstance(value, Reported) else None


def _intent(held: TopicRecord) -> IntentEvent | Erased | None:
    kind = header(held.headers, "ce_type")
    if kind == COMMAND.type.encode():
        command = COMMAND.decode(held.value)
        return Erased(command.household_id) if command.command is Command.ERASE else None
    if held.key is None or header(held.headers, HISTORY) is not None:
        return None
    event, _ = read_record(held.headers, held.value, INTENT)
    return event


def _decision(held: TopicRecord) -> Decision | None:
    decision = DECISION.decode(held.value)
    judged = decision.misfire_probability is not None or decision.abstained
    return decision if judged else None


def _outcome(held: TopicRecord) -> Reported | None:
    try:
        outcome, _ = read_record(held.headers, held.value, OUTCOME)
    except RecordError:
        answer, _ = read_record(held.headers, held.value, ANSWER)
        what = Report.ACCEPTED if answer.accepted else Report.REFUSED
        return Reported(answer.household_id, what, confirmation_id=answer.confirmation_id)
    if outcome.outcome not in _OF:
        return None
    return Reported(outcome.household_id, _OF[outcome.outcome], outcome.event_id)


def _label(held: TopicRecord) -> Reported:
    found = json.loads(held.value or b"")
    return Reported(str(found["household_id"]), _LABELS[found["label"]], str(found["event_id"]))


_READ = {INTENTS: _intent, DECISIONS: _decision, OUTCOMES: _outcome, LABELS: _label}
