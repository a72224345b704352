"""Identity of topics: the ids that Kafka assigned at creation, and numbers of partitions.

A topic that is deleted and created again keeps its name and gets another id (KIP-516). Consumers
only know names, and a running one continues at its old offset in the new topic. A worker therefore
checks periodically and exits when its topics have changed. After a restart it reads the new topics
from their beginning.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kafka.admin import KafkaAdminClient

from streams.wire.state.marks import UNKNOWN, short_id

__all__ = ["NONE_KNOWN", "Changes", "Identities", "IdentityWatch", "is_stale", "look_up"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identities:
    """Short ids and numbers of partitions by topic name. Missing topics are in neither mapping."""

    ids: Mapping[str, str]
    partitions: Mapping[str, int]

    def of(self, topic: str) -> str:
        """Return a topic's short id, or ``UNKNOWN`` if the topic is missing or has no id."""
        return self.ids.get(topic, UNKNOWN)

    def created_again(self, now: Identities) -> list[str]:
        """Return the topics that were created again with the same number of partitions."""
        return [
            name
            for name, known in self.ids.items()
            if known != UNKNOWN
            and now.of(name) not in {UNKNOWN, known}
            and now.partitions[name] == self.partitions.get(name)
        ]

    def resized(self, now: Identities) -> list[str]:
        """Return the topics whose number of partitions changed, without missing ones."""
        return [
            name
            for name, count in self.partitions.items()
            if now.partitions.get(name, count) != count
        ]


#: Identities without any topic, for use without a broker.
NONE_KNOWN = Identities(MappingProxyType({}), MappingProxyType({}))


def look_up(client: KafkaAdminClient, topics: Collection[str]) -> Identities:
    """Return the identities of topics.

    Raises:
        KafkaError: the broker does not answer.
    """
    found: list[dict[str, Any]] = [
        entry for entry in client.describe_topics(list(topics)) if not entry.get("error_code")
    ]
    return Identities(
        {entry["name"]: short_id(entry.get("topic_id")) for entry in found},
        {entry["name"]: len(entry["partitions"]) for entry in found},
    )


def is_stale(committed_with: str | None, topic_id: str) -> bool:
    """Return whether an offset belongs to an earlier topic of the same name.

    Offsets without an id are trusted: version 0.1.0 committed none.
    """
    return bool(committed_with) and topic_id not in {UNKNOWN, committed_with}


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of the topics that were created again, and a sentence for each that was resized."""

    created_again: Sequence[str] = ()
    resized: Sequence[str] = ()

    @property
    def sentences(self) -> list[str]:
        """A sentence for each change."""
        return [
            *(f"topic {name} was deleted and created again" for name in self.created_again),
            *self.resized,
        ]


class IdentityWatch:
    """Detects that topics are no longer those that a worker started with.

    Args:
        known: the identities at the start.
        connect: makes an admin client; called again after each failure.
    """

    def __init__(self, known: Identities, connect: Callable[[], KafkaAdminClient]) -> None:
        self._known, self._connect = known, connect
        self._client: KafkaAdminClient | None = None

    def look(self) -> Changes:
        """Return what has changed; nothing if the broker does not answer (the watchdog's task)."""
        try:
            self._client = self._client or self._connect()
            now = look_up(self._client, self._known.ids)
            return Changes(self._known.created_again(now), self._resized(now))
        except Exception as error:  # noqa: BLE001 - the next look uses a new client
            logger.debug(
                "the identity of the topics could not be checked (%s)", type(error).__name__
            )
            self._client = None
            return Changes()

    def _resized(self, now: Identities) -> list[str]:
        return [
            f"topic {name} has {now.partitions[name]} partitions now,"
            f" not {self._known.partitions[name]}"
            for name in self._known.resized(now)
        ]

    def adopt(self, topic: str) -> None:
        """Accept the present identity of a topic as the known one."""
        if self._client is not None:
            ids = {**self._known.ids, topic: look_up(self._client, [topic]).of(topic)}
            self._known = Identities(ids, self._known.partitions)
