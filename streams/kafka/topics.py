"""The topics, as one literal table, and what makes and checks them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from streams.errors import DependencyUnavailable, UsageError
from streams.kafka.connection import Brokers
from streams.kafka.reachable import why_unreachable

__all__ = [
    "BUNDLES",
    "COMPACTED_WITHIN",
    "CREATE_TIME",
    "DEAD_LETTERS",
    "DECISIONS",
    "HOUSEHOLDS",
    "INTENTS",
    "OUTCOMES",
    "PRODUCED",
    "REPLIES",
    "TOPICS",
    "Topic",
    "admin",
    "check_topics",
    "create_topics",
    "keeps_producer_time",
    "told_settings",
]

#: How long a broker may take to be found; a person waits for it.
_BOOTSTRAP_MS = 4_000
#: Longer than an election of leaders takes.
_VISIBLE_SECONDS = 15.0
_MINUTE, _DAY = 60_000, 86_400_000
#: Milliseconds within which the broker has to compact: what a newer state supersedes, an erased one above all, is gone then.
COMPACTED_WITHIN = _DAY

INTENTS = "assistant.intents"
DECISIONS = "assistant.decisions"
OUTCOMES = "assistant.outcomes"
REPLIES = "assistant.replies"
DEAD_LETTERS = "assistant.dead-letters"
INCIDENTS = "assistant.incidents"
HOUSEHOLDS = "misfire.households"
#: What producers other than the worker write, and the worker reads.
PRODUCED = (INTENTS, OUTCOMES)


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``retention`` is in milliseconds; ``None`` is compacted. ``partitions`` of ``None`` is the installation's number."""

    name: str
    key: str
    value: str
    retention: int | None
    partitions: int | None = None

    @property
    def settings(self) -> Mapping[str, str]:
        """The topic's settings in the broker's words."""
        if self.retention is None:
            return MappingProxyType(
                {"cleanup.policy": "compact", "max.compaction.lag.ms": str(COMPACTED_WITHIN)}
            )
        return MappingProxyType(
            {
                "cleanup.policy": "delete",
                "retention.ms": str(self.retention),
                "segment.ms": str(self.kept - self.retention),
                # Windows and expiry go by a record's time: no producer may choose it, and Kafka keeps what is new for as long as it says.
                "message.timestamp.type": "LogAppendTime",
            }
        )

    @property
    def replay_settings(self) -> Mapping[str, str]:
        """The settings where an old stream is replayed: records keep their producer's time, and are kept however old that is."""
        if self.name not in PRODUCED:
            return self.settings
        return MappingProxyType(
            {**self.settings, "retention.ms": "-1", "message.timestamp.type": "CreateTime"}
        )

    @property
    def kept(self) -> int:
        """The longest that a record is there, in milliseconds; where the topic is compacted, one that a newer one supersedes.

        Kafka deletes whole segments, and a segment's time begins with its last record: by default that is a week more.
        """
        return (
            COMPACTED_WITHIN
            if self.retention is None
            else self.retention + min(self.retention, _DAY)
        )


TOPICS: tuple[Topic, ...] = (
    Topic(INTENTS, "household_id", "IntentEvent", 30 * _DAY),
    Topic(DECISIONS, "household_id", "Decision", 90 * _DAY),
    Topic(OUTCOMES, "household_id", "Outcome", 90 * _DAY),
    Topic(REPLIES, "none: the asker chooses the partition", "Decision", 10 * _MINUTE),
    Topic(DEAD_LETTERS, "the original key", "the original bytes", 30 * _DAY),
    Topic(INCIDENTS, "household_id", "LateAnswer", 90 * _DAY),
    Topic(HOUSEHOLDS, "household_id", "household state (the worker's changelog)", None),
)
#: Reserved for announcing bundles. Nothing writes or reads it yet, so it is not in ``TOPICS``:
#: no command creates it, checks it or grants rights to it.
BUNDLES = Topic(
    "misfire.bundles", "channel", "version, location, sha256", retention=None, partitions=1
)


def admin(brokers: Brokers, *, timeout_ms: int = 10_000) -> KafkaAdminClient:
    """Connect for administration.

    Raises:
        DependencyUnavailable: no broker answers, or none lets us in.
    """
    try:
        return KafkaAdminClient(
            **brokers.options,
            bootstrap_timeout_ms=_BOOTSTRAP_MS,
            request_timeout_ms=timeout_ms,
            client_id="misfire-admin",
        )
    except (KafkaError, OSError, ValueError) as error:
        raise DependencyUnavailable(why_unreachable(brokers)) from error


def create_topics(
    client: KafkaAdminClient, partitions: int, replication: int = 1, *, producer_time: bool = False
) -> list[str]:
    """Create what is missing and return the names of what was created; what is there stays as it is.

    With ``producer_time`` the topics are for the replay of an old stream (``Topic.replay_settings``).

    Raises:
        DependencyUnavailable: the broker took the topics and does not show them.
    """
    there = set(client.list_topics())
    created = []
    for topic in TOPICS:
        if topic.name in there:
            continue
        wanted = topic.replay_settings if producer_time else topic.settings
        new = NewTopic(
            topic.name, topic.partitions or partitions, replication, topic_configs=dict(wanted)
        )
        try:
            client.create_topics([new])
        except TopicAlreadyExistsError:
            continue
        created.append(topic.name)
    _wait_until_there(client, created)
    return created


def check_topics(
    client: KafkaAdminClient, partitions: int, *, producer_time: bool = False
) -> list[str]:
    """Return what is wrong with the topics, a sentence each; nothing is a good answer.

    With ``producer_time`` they may be as the replay of an old stream needs them.
    """
    described = {
        entry["name"]: entry for entry in client.describe_topics([topic.name for topic in TOPICS])
    }
    # Whoever has no right to a topic is told that it is not there.
    unseen = (
        ""
        if client.config["security_protocol"] == "PLAINTEXT"
        else ", or grant a right to it ('misfire topics acl')"
    )
    problems = []
    for topic in TOPICS:
        entry = described.get(topic.name)
        if entry is None or entry.get("error_code"):
            problems.append(
                f"topic {topic.name} is missing; create it with 'misfire topics create'{unseen}"
            )
            continue
        wanted, found = topic.partitions or partitions, len(entry["partitions"])
        if wanted != found:
            problems.append(
                f"topic {topic.name} has {found} partitions, not {wanted}; set partitions to {found}, "
                f"or run 'misfire topics grow --partitions {max(wanted, found)}'"
            )
        problems += _wrong_settings(client, topic, producer_time=producer_time)
    return problems


def told_settings(client: KafkaAdminClient, topic: Topic) -> Mapping[str, Any]:
    """Return a topic's settings as the broker tells them; the embedded one tells none, and keeps everything while it runs."""
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    found = client.describe_configs([resource], config_filter="all")
    settings: Mapping[str, Any] = found.get("topic", {}).get(topic.name, {})
    return settings


def keeps_producer_time(client: KafkaAdminClient) -> None:
    """Make sure that an old stream keeps its own time in the topics that it is sent to.

    Raises:
        UsageError: the broker gives every record there the time at which it came.
    """
    for topic in TOPICS:
        told = (
            told_settings(client, topic).get("message.timestamp.type")
            if topic.name in PRODUCED
            else None
        )
        if told is not None and told["value"] != "CreateTime":
            raise UsageError(
                f"topic {topic.name} is there and gives every record the time at which it comes; an old stream needs its own: "
                "use a Kafka without misfire's topics"
            )


def _wait_until_there(client: KafkaAdminClient, names: Sequence[str]) -> None:
    """Kafka answers before every broker knows a new topic; whoever starts next would not find it."""
    give_up = time.monotonic() + _VISIBLE_SECONDS
    while names and not all(_visible(entry) for entry in client.describe_topics(list(names))):
        if time.monotonic() > give_up:
            raise DependencyUnavailable(
                f"the topics {', '.join(names)} were created but cannot be seen; look at the broker's log"
            )
        time.sleep(0.05)


def _visible(entry: Mapping[str, Any]) -> bool:
    return not entry.get("error_code") and all(
        part["leader_id"] >= 0 for part in entry["partitions"]
    )


def _wrong_settings(client: KafkaAdminClient, topic: Topic, *, producer_time: bool) -> list[str]:
    """Compare a topic's settings; a broker that tells none is believed."""
    found = told_settings(client, topic)
    replayed = topic.replay_settings if producer_time else topic.settings
    return [
        f"topic {topic.name} has {name}={found[name]['value']}, not {wanted}; change it with kafka-configs"
        for name, wanted in topic.settings.items()
        if name in found and found[name]["value"] not in (wanted, replayed[name])
    ]


#: What a record says of its time (``timestamp_type``): its producer wrote it. The log's own (LogAppendTime) is 1.
CREATE_TIME = 0
