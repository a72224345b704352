"""Everything that the topics and the state store hold on one household, source by source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from streams.kafka.connection import Brokers
from streams.kafka.reading import Held, Place, read_topic
from streams.kafka.topics import HOUSEHOLDS, TOPICS
from streams.privacy.ownership import Judged, Whose, judge

__all__ = ["SOURCES", "Holding", "collect", "collected", "counts", "foreign"]

#: The topics that can contain records of a household.
SOURCES = tuple(topic.name for topic in TOPICS)


@dataclass(slots=True)
class Holding:
    """What one topic holds on the household.

    ``lines`` are its records as JSON, with their places. ``superseded`` counts older states in the changelog that the broker has not
    compacted yet; the state is the last one. ``unchecked`` are records that name the household by one sign only, and ``disputed``
    those whose key and content name different households: both are reported and not given out. ``foreign`` are those of the household
    that hold another household's content as well. ``read`` counts all records of the topic.
    """

    source: str
    read: int = 0
    superseded: int = 0
    first: float | None = None
    last: float | None = None
    lines: list[bytes] = field(default_factory=list)
    unchecked: list[Place] = field(default_factory=list)
    disputed: list[Place] = field(default_factory=list)
    foreign: list[Place] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many records there are to give out."""
        return len(self.lines)

    @property
    def sha256(self) -> str:
        """The hash of the lines, as they are in an archive."""
        return hashlib.sha256(b"".join(self.lines)).hexdigest()


def collect(household_id: str, read: Callable[[str], Iterable[Held]]) -> list[Holding]:
    """Read every source and keep what is the household's.

    Args:
        household_id: as it is in Kafka, a token.
        read: gives a topic's records, each partition's in order.
    """
    return [_holding(source, household_id, read(source)) for source in SOURCES]


def foreign(holdings: Iterable[Holding]) -> list[Place]:
    """Return the places of the household's records that hold another household's content as well."""
    return [place for holding in holdings for place in holding.foreign]


def _holding(source: str, household_id: str, records: Iterable[Held]) -> Holding:
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


def _counted(records: Iterable[Held], holding: Holding) -> Iterator[Held]:
    for held in records:
        holding.read += 1
        yield held


def _keep(holding: Holding, held: Held, judged: Judged) -> None:
    """Add a record; of the changelog, the last one is the state."""
    head = json.dumps(
        asdict(held.place) | {"timestamp": held.timestamp, "type": judged.type}
    ).encode()
    if holding.source == HOUSEHOLDS and holding.lines:
        holding.lines.clear()
        holding.superseded += 1
    holding.lines.append(head[:-1] + b', "record": ' + judged.content + b"}\n")


def _tombstone(held: Held) -> bool:
    return held.place.topic == HOUSEHOLDS and not held.value


def collected(brokers: Brokers, household_id: str) -> list[Holding]:
    """Return what every topic and the state store hold on a household; all of each is read.

    Raises:
        DependencyUnavailable: a topic is missing, or cannot be read to its end.
    """
    return collect(household_id, partial(read_topic, brokers))


def counts(holding: Holding) -> dict[str, Any]:
    """Return what is said about a source without saying what is in it."""
    return {
        "source": holding.source,
        "records": holding.records,
        "read": holding.read,
        "first": holding.first,
        "last": holding.last,
        "superseded": holding.superseded,
        "unchecked": [str(place) for place in holding.unchecked],
        "disputed": [str(place) for place in holding.disputed],
        "foreign": [str(place) for place in holding.foreign],
    }
