"""Collects everything that the topics contain about one household, topic by topic."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from streams.kafka.connection import Brokers
from streams.kafka.later_topics import later_topics_missing
from streams.kafka.reading import Place, TopicRecord, read_topic
from streams.kafka.topics import BUNDLES, HOUSEHOLDS, TOPICS
from streams.privacy.ownership import Judged, Whose, judge

__all__ = ["SOURCES", "Holding", "collect", "collected", "counts", "foreign", "why_missing"]

#: The topics that can contain records of a household.
SOURCES = tuple(topic.name for topic in TOPICS if topic.name != BUNDLES)


@dataclass(slots=True)
class Holding:
    """What one topic contains about the household.

    Attributes:
        source: the topic.
        read: the number of all records in the topic.
        missing: whether there is no such topic yet, after an upgrade.
        superseded: older states in the changelog that the broker has not compacted yet.
        first: the log time of the oldest record of the household, in seconds since the epoch.
        last: the log time of the newest.
        lines: the household's records as JSON, with their positions; of the changelog, the last.
        unchecked: records that only the key or only the content assigns to the household. They are
            reported and not exported.
        disputed: records whose key and content name different households; not exported either.
        foreign: records of the household that also contain another household's data.
    """

    source: str
    read: int = 0
    missing: bool = False
    superseded: int = 0
    first: float | None = None
    last: float | None = None
    lines: list[bytes] = field(default_factory=list)
    unchecked: list[Place] = field(default_factory=list)
    disputed: list[Place] = field(default_factory=list)
    foreign: list[Place] = field(default_factory=list)

    @property
    def records(self) -> int:
        """The number of records to export."""
        return len(self.lines)

    @property
    def sha256(self) -> str:
        """The hash of the lines as written to an archive."""
        return hashlib.sha256(b"".join(self.lines)).hexdigest()


def collect(household_id: str, read: Callable[[str], Iterable[TopicRecord]]) -> list[Holding]:
    """Read every source and keep the household's records.

    Args:
        household_id: the household's token, as it is in Kafka.
        read: yields a topic's records, in order within a partition.
    """
    return [_holding(source, household_id, read(source)) for source in SOURCES]


def foreign(holdings: Iterable[Holding]) -> list[Place]:
    """Return the positions of records that also contain another household's data."""
    return [place for holding in holdings for place in holding.foreign]


def _holding(source: str, household_id: str, records: Iterable[TopicRecord]) -> Holding:
    holding = Holding(source)
    for held in _counted(records, holding):
        judged = judge(held, household_id)
        if judged.whose is Whose.OTHERS:
            continue
        if judged.whose is Whose.OURS:
            _keep(holding, held, judged)
        elif not _tombstone(held):
            aside = {Whose.FOREIGN: holding.foreign, Whose.DISPUTED: holding.disputed}
            aside.get(judged.whose, holding.unchecked).append(held.place)
        holding.first = min(held.timestamp, holding.first or held.timestamp)
        holding.last = max(held.timestamp, holding.last or held.timestamp)
    return holding


def _counted(records: Iterable[TopicRecord], holding: Holding) -> Iterator[TopicRecord]:
    for held in records:
        holding.read += 1
        yield held


def _keep(holding: Holding, held: TopicRecord, judged: Judged) -> None:
    """Add a record; of the changelog, keep only the last state."""
    head = json.dumps(
        asdict(held.place) | {"timestamp": held.timestamp, "type": judged.type}
    ).encode()
    if holding.source == HOUSEHOLDS and holding.lines:
        holding.lines.clear()
        holding.superseded += 1
    holding.lines.append(head[:-1] + b', "record": ' + judged.content + b"}\n")


def _tombstone(held: TopicRecord) -> bool:
    return held.place.topic == HOUSEHOLDS and not held.value


def collected(brokers: Brokers, household_id: str) -> list[Holding]:
    """Return what every topic contains about a household. Reads all topics completely.

    A topic that the version before did not have contains nothing as long as it is missing.

    Raises:
        DependencyUnavailable: a topic of the version before is missing, this client has no right to
            a topic, or one cannot be read to its end.
    """
    missing = later_topics_missing(brokers)

    def read(topic: str) -> Iterable[TopicRecord]:
        return () if topic in missing else read_topic(brokers, topic)

    holdings = collect(household_id, read)
    for each in holdings:
        each.missing = each.source in missing
    return holdings


def why_missing(holdings: Iterable[Holding]) -> list[str]:
    """Return a sentence for each topic that is missing."""
    return [
        f"Topic {each.source} is missing, so it has nothing of this household; 'misfire topics"
        " create' creates it."
        for each in holdings
        if each.missing
    ]


def counts(holding: Holding) -> dict[str, Any]:
    """Return a summary of a source, without contents."""
    return {
        "source": holding.source,
        "records": holding.records,
        "read": holding.read,
        "missing": holding.missing,
        "first": holding.first,
        "last": holding.last,
        "superseded": holding.superseded,
        "unchecked": [str(place) for place in holding.unchecked],
        "disputed": [str(place) for place in holding.disputed],
        "foreign": [str(place) for place in holding.foreign],
    }
