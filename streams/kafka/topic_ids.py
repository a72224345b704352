"""Which topics these are: the ids that Kafka gave them when they were created, and how many partitions each has.

A topic that is deleted and created again has the name that it had, and another id (KIP-516). Consumers only know names: a running one
goes on at its old offset in the new topic. So a worker looks now and then, and ends when its topics are not those any more that it
began with: started again, it reads the new ones from their beginning.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kafka.admin import KafkaAdminClient

from streams.wire.state.marks import UNKNOWN, short_id

__all__ = ["NONE_KNOWN", "Changes", "Identities", "IdentityWatch", "look_up"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identities:
    """The short ids of topics and their numbers of partitions, both by name. A topic that is not there is in neither."""

    ids: Mapping[str, str]
    partitions: Mapping[str, int]

    def of(self, topic: str) -> str:
        """Return a topic's short id; ``UNKNOWN`` where it is not there or the broker gives none."""
        return self.ids.get(topic, UNKNOWN)

    def created_again(self, now: Identities) -> list[str]:
        """Return the topics that were deleted and created again since, with as many partitions as they had."""
        return [
            name
            for name, known in self.ids.items()
            if known != UNKNOWN
            and now.of(name) not in {UNKNOWN, known}
            and now.partitions[name] == self.partitions.get(name)
        ]

    def resized(self, now: Identities) -> list[str]:
        """Return the topics that have another number of partitions than they had. One that is not there may come back as it was."""
        return [
            name
            for name, count in self.partitions.items()
            if now.partitions.get(name, count) != count
        ]


#: Where no broker was asked.
NONE_KNOWN = Identities(MappingProxyType({}), MappingProxyType({}))


def look_up(client: KafkaAdminClient, topics: Collection[str]) -> Identities:
    """Ask the broker.

    Raises:
        KafkaError: it does not answer.
    """
    found: list[dict[str, Any]] = [
        entry for entry in client.describe_topics(list(topics)) if not entry.get("error_code")
    ]
    return Identities(
        {entry["name"]: short_id(entry.get("topic_id")) for entry in found},
        {entry["name"]: len(entry["partitions"]) for entry in found},
    )


@dataclass(frozen=True, slots=True)
class Changes:
    """What has become of topics: the names of those that were created again, and a sentence about each that has other partitions."""

    created_again: Sequence[str] = ()
    resized: Sequence[str] = ()

    @property
    def sentences(self) -> list[str]:
        """All of it, a sentence each."""
        return [
            *(f"topic {name} was deleted and created again" for name in self.created_again),
            *self.resized,
        ]


class IdentityWatch:
    """Looks whether the topics are still those that a worker began with.

    Args:
        known: as they were when it began.
        connect: makes a client; called again after each failure.
    """

    def __init__(self, known: Identities, connect: Callable[[], KafkaAdminClient]) -> None:
        self._known, self._connect = known, connect
        self._client: KafkaAdminClient | None = None

    def look(self) -> Changes:
        """Say what has changed. A broker that does not answer changes nothing; the watchdog sees to that."""
        try:
            self._client = self._client or self._connect()
            now = look_up(self._client, self._known.ids)
            return Changes(self._known.created_again(now), self._resized(now))
        except Exception as error:  # noqa: BLE001 - whatever the client raises, the next look has a new one
            logger.debug("the topics could not be looked at (%s)", type(error).__name__)
            self._client = None
            return Changes()

    def _resized(self, now: Identities) -> list[str]:
        return [
            f"topic {name} has {now.partitions[name]} partitions now, not {self._known.partitions[name]}"
            for name in self._known.resized(now)
        ]

    def adopt(self, topic: str) -> None:
        """Take a topic as it is now for the one that is known."""
        if self._client is not None:
            ids = {**self._known.ids, topic: look_up(self._client, [topic]).of(topic)}
            self._known = Identities(ids, self._known.partitions)
