"""The topics as one table, and functions that create and check them."""

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
    "CHANGELOG_SEGMENT",
    "CHANGELOG_SUPERSEDED",
    "COMPACTED_WITHIN",
    "CREATE_TIME",
    "DEAD_LETTERS",
    "DECISIONS",
    "HOUSEHOLDS",
    "INCIDENTS",
    "INTENTS",
    "LABELS",
    "OUTCOMES",
    "PRODUCED",
    "REPLIES",
    "RULES",
    "SHADOWS",
    "TOPICS",
    "Topic",
    "admin",
    "check_topics",
    "create_topics",
    "keeps_producer_time",
    "reported_settings",
]

#: Seconds for new topics to become visible: longer than a leader election takes.
_VISIBLE_SECONDS = 15.0
_MINUTE, _DAY = 60_000, 86_400_000
#: Replicas of a partition that must store a record before it is acknowledged, on topics with at
#: least three: one broker may be away, and no single disk has the only copy.
_IN_SYNC, _REPLICATED = 2, 3
#: Milliseconds within which the broker compacts. Superseded states, erased ones above all, are
#: gone by then.
COMPACTED_WITHIN = _DAY
#: Share of superseded records at which the broker compacts a topic, and bytes of a segment: the
#: latest segment of a partition is not compacted. By default they are half and 1 GiB. A worker that
#: recovers its table reads the superseded records, too: by default, a whole day's states.
CHANGELOG_SUPERSEDED, CHANGELOG_SEGMENT = 0.2, 16 * 2**20

INTENTS = "assistant.intents"
DECISIONS = "assistant.decisions"
OUTCOMES = "assistant.outcomes"
REPLIES = "assistant.replies"
DEAD_LETTERS = "assistant.dead-letters"
INCIDENTS = "assistant.incidents"
HOUSEHOLDS = "misfire.households"
BUNDLES = "misfire.bundles"
LABELS = "misfire.labels"
RULES = "misfire.rules"
SHADOWS = "misfire.shadows"
#: The longest pause in milliseconds between two attempts to reach a broker. The default is 30 s.
_LONGEST_PAUSE_MS = 500
#: Topics that clients produce and the worker consumes.
PRODUCED = (INTENTS, OUTCOMES)


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    ``retention`` is in milliseconds; a topic without retention is compacted. Without ``partitions``
    the topic has the installation's number of partitions. A compacted topic keeps superseded
    records for ``keeps`` milliseconds. A worker also starts without a topic that is not
    ``required``, because the version before it did not have the topic. The broker stamps the
    records of a topic with retention, and those of a compacted one if it is ``stamped``.
    """

    name: str
    key: str
    value: str
    retention: int | None
    partitions: int | None = None
    keeps: int = 0
    required: bool = True
    stamped: bool = False

    @property
    def settings(self) -> Mapping[str, str]:
        """Settings of the topic, by Kafka's names."""
        if self.retention is None:
            least = {"min.compaction.lag.ms": str(self.keeps)} if self.keeps else {}
            stamps = {"message.timestamp.type": "LogAppendTime"} if self.stamped else {}
            return MappingProxyType(
                {
                    "cleanup.policy": "compact",
                    **least,
                    "max.compaction.lag.ms": str(self.kept),
                    **stamps,
                }
            )
        return MappingProxyType(
            {
                "cleanup.policy": "delete",
                "retention.ms": str(self.retention),
                "segment.ms": str(self.kept - self.retention),
                # Windows, expiry and retention depend on the record's time, so no producer may
                # choose it.
                "message.timestamp.type": "LogAppendTime",
            }
        )

    @property
    def advised(self) -> Mapping[str, str]:
        """Settings that make a topic faster. New topics get them; existing ones work without."""
        if self.retention is not None:
            return MappingProxyType({})
        return MappingProxyType(
            {
                "min.cleanable.dirty.ratio": str(CHANGELOG_SUPERSEDED),
                "segment.bytes": str(CHANGELOG_SEGMENT),
            }
        )

    @property
    def replay_settings(self) -> Mapping[str, str]:
        """Settings for the replay of an old stream: producers set times, and no record expires."""
        if self.name not in PRODUCED:
            return self.settings
        return MappingProxyType(
            {**self.settings, "retention.ms": "-1", "message.timestamp.type": "CreateTime"}
        )

    @property
    def kept(self) -> int:
        """The longest time in milliseconds until a record is deleted or, if superseded, compacted.

        Kafka deletes a whole segment when its last record expires, so the length of a segment, by
        default a week, adds to the retention.
        """
        return (
            self.keeps + COMPACTED_WITHIN
            if self.retention is None
            else self.retention + min(self.retention, _DAY)
        )


TOPICS: tuple[Topic, ...] = (
    Topic(INTENTS, "household_id", "IntentEvent", 30 * _DAY),
    Topic(DECISIONS, "household_id", "Decision", 90 * _DAY),
    Topic(OUTCOMES, "household_id", "Outcome", 90 * _DAY),
    Topic(REPLIES, "none: the client chooses the partition", "Decision", 10 * _MINUTE),
    Topic(DEAD_LETTERS, "the original key", "the original bytes", 30 * _DAY),
    Topic(INCIDENTS, "household_id", "LateAnswer", 90 * _DAY),
    Topic(LABELS, "household_id", "Label", 90 * _DAY),
    Topic(HOUSEHOLDS, "household_id", "household state (the worker's changelog)", None),
    Topic(BUNDLES, "channel", "Channel: the bundles that were announced", None, partitions=1),
    # Who removed a rule, and why, stays as long as the decisions that the rule changed. The log's
    # time of a record says which events the rule concerns.
    Topic(
        RULES,
        "rule_id",
        "Rule",
        None,
        partitions=1,
        keeps=90 * _DAY,
        required=False,
        stamped=True,
    ),
    Topic(SHADOWS, "household_id", "ShadowVerdict", 90 * _DAY, required=False),
)


def admin(brokers: Brokers, *, timeout_ms: int = 10_000, wait: float = 0.0) -> KafkaAdminClient:
    """Connect for administration; wait up to ``wait`` seconds for a broker that is starting.

    Raises:
        DependencyUnavailable: no broker answers, or the broker rejects this client.
    """
    try:
        return KafkaAdminClient(
            **brokers.options,
            bootstrap_timeout_ms=max(brokers.patience_ms, 1_000 * wait),
            reconnect_backoff_max_ms=_LONGEST_PAUSE_MS,
            request_timeout_ms=timeout_ms,
            client_id="misfire-admin",
        )
    except (KafkaError, OSError, ValueError) as error:
        raise DependencyUnavailable(why_unreachable(brokers)) from error


def create_topics(
    client: KafkaAdminClient, partitions: int, replication: int = 1, *, producer_time: bool = False
) -> list[str]:
    """Create the missing topics and return their names; existing topics stay unchanged.

    With ``producer_time`` the topics get the settings for the replay of an old stream
    (``Topic.replay_settings``). With a replication of three or more, a record counts as stored once
    two replicas have it.

    Raises:
        DependencyUnavailable: the broker created topics, but does not list them in time.
    """
    existing = set(client.list_topics())
    created = []
    for topic in TOPICS:
        if topic.name in existing:
            continue
        wanted = dict(topic.replay_settings if producer_time else topic.settings)
        if replication >= _REPLICATED:
            wanted["min.insync.replicas"] = str(_IN_SYNC)
        new = NewTopic(
            topic.name,
            topic.partitions or partitions,
            replication,
            topic_configs={**wanted, **topic.advised},
        )
        try:
            client.create_topics([new])
        except TopicAlreadyExistsError:
            continue
        created.append(topic.name)
    _wait_until_visible(client, created)
    return created


def check_topics(
    client: KafkaAdminClient,
    partitions: int,
    *,
    producer_time: bool = False,
    required: bool = False,
) -> list[str]:
    """Return a sentence for each problem with the topics.

    With ``producer_time`` the settings for the replay of an old stream are accepted as well. With
    ``required``, only the topics without which a worker cannot start are checked.
    """
    described = {
        entry["name"]: entry for entry in client.describe_topics([topic.name for topic in TOPICS])
    }
    # Kafka reports a topic as missing to a client without rights on it.
    or_no_right = (
        ""
        if client.config["security_protocol"] == "PLAINTEXT"
        else ", or grant a right to it ('misfire topics acl')"
    )
    problems = []
    for topic in TOPICS:
        if required and not topic.required:
            continue
        entry = described.get(topic.name)
        if entry is None or entry.get("error_code"):
            problems.append(
                f"topic {topic.name} is missing;"
                f" create it with 'misfire topics create'{or_no_right}"
            )
            continue
        wanted, found = topic.partitions or partitions, len(entry["partitions"])
        if wanted != found:
            problems.append(
                f"topic {topic.name} has {found} partitions, not {wanted};"
                f" set partitions to {found},"
                f" or run 'misfire topics grow --partitions {max(wanted, found)}'"
            )
        settings = reported_settings(client, topic)
        problems += _wrong_settings(settings, topic, producer_time=producer_time)
        problems += _too_few_in_sync(settings, entry)
    return problems


def reported_settings(client: KafkaAdminClient, topic: Topic) -> Mapping[str, Any]:
    """Return a topic's settings as the broker reports them; the embedded broker reports none."""
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
    found = client.describe_configs([resource], config_filter="all")
    settings: Mapping[str, Any] = found.get("topic", {}).get(topic.name, {})
    return settings


def keeps_producer_time(client: KafkaAdminClient) -> None:
    """Check that records of an old stream keep their time in the topics that it is sent to.

    Raises:
        UsageError: the broker stamps the records of a topic itself.
    """
    for topic in TOPICS:
        setting = (
            reported_settings(client, topic).get("message.timestamp.type")
            if topic.name in PRODUCED
            else None
        )
        if setting is not None and setting["value"] != "CreateTime":
            raise UsageError(
                f"topic {topic.name} exists and stamps records with the time of their arrival, but"
                " an old stream needs its own times; use a Kafka without misfire's topics"
            )


def _wait_until_visible(client: KafkaAdminClient, names: Sequence[str]) -> None:
    """Wait until every broker knows the new topics: Kafka answers before they do."""
    give_up = time.monotonic() + _VISIBLE_SECONDS
    while names and not all(_visible(entry) for entry in client.describe_topics(list(names))):
        if time.monotonic() > give_up:
            raise DependencyUnavailable(
                f"the topics {', '.join(names)} were created but are not visible;"
                " check the broker's log"
            )
        time.sleep(0.05)


def _visible(entry: Mapping[str, Any]) -> bool:
    return not entry.get("error_code") and all(
        part["leader_id"] >= 0 for part in entry["partitions"]
    )


def _wrong_settings(found: Mapping[str, Any], topic: Topic, *, producer_time: bool) -> list[str]:
    """Return a sentence for each wrong setting, among those that the broker reports."""
    replayed = topic.replay_settings if producer_time else topic.settings
    return [
        f"topic {topic.name} has {name}={found[name]['value']}, not {wanted};"
        " change it with kafka-configs"
        for name, wanted in topic.settings.items()
        if name in found and found[name]["value"] not in (wanted, replayed[name])
    ]


def _too_few_in_sync(found: Mapping[str, Any], entry: Mapping[str, Any]) -> list[str]:
    """Return a sentence if a replicated topic acknowledges what only one replica has stored."""
    setting = found.get("min.insync.replicas")
    replicas = min(len(part["replica_nodes"]) for part in entry["partitions"])
    if setting is None or replicas < _REPLICATED or int(setting["value"]) >= _IN_SYNC:
        return []
    sentence = (
        f"topic {entry['name']} has {replicas} replicas but min.insync.replicas="
        f"{setting['value']}, so the loss of one disk can lose records; set it to {_IN_SYNC} with"
        " kafka-configs"
    )
    return [sentence]


#: ``timestamp_type`` of a record whose producer set the time; LogAppendTime is 1.
CREATE_TIME = 0
