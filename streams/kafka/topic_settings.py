"""Settings of topics that an earlier version created, changed to those of this version."""

from __future__ import annotations

from dataclasses import dataclass

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from streams.errors import DependencyUnavailable
from streams.kafka.topics import TOPICS, Topic, reported_settings

__all__ = ["Change", "configure_topics"]

_RETENTION = "retention.ms"


@dataclass(frozen=True, slots=True)
class Change:
    """A setting of a topic, with its value before and after."""

    topic: str
    setting: str
    before: str
    after: str


def configure_topics(client: KafkaAdminClient, *, producer_time: bool = False) -> list[Change]:
    """Give existing topics the settings that this version needs, and return what changed.

    The retention stays as it is: a shorter one would delete records. An advised setting changes
    only where the broker's default applies. The embedded broker reports no settings, so its topics
    stay as they are.

    Args:
        client: a connection with the right to alter the topics' configuration.
        producer_time: use the settings for the replay of an old stream.

    Raises:
        DependencyUnavailable: the broker refuses a change.
    """
    existing = set(client.list_topics())
    changes = []
    for topic in TOPICS:
        if topic.name not in existing:
            continue
        found = _changes(client, topic, producer_time=producer_time)
        if found:
            _alter(client, topic.name, found)
        changes += found
    return changes


def _changes(client: KafkaAdminClient, topic: Topic, *, producer_time: bool) -> list[Change]:
    reported = reported_settings(client, topic)
    wanted = dict(topic.replay_settings if producer_time else topic.settings)
    wanted |= {
        name: value
        for name, value in topic.advised.items()
        if name in reported and reported[name]["config_source"] != "DYNAMIC_TOPIC_CONFIG"
    }
    return [
        Change(topic.name, name, str(reported[name]["value"]), value)
        for name, value in wanted.items()
        if name in reported and reported[name]["value"] != value and name != _RETENTION
    ]


def _alter(client: KafkaAdminClient, name: str, changes: list[Change]) -> None:
    wanted = {change.setting: change.after for change in changes}
    resource = ConfigResource(ConfigResourceType.TOPIC, name, configs=wanted)
    result = client.alter_configs([resource])["topic"][name]
    if result != "OK":
        raise DependencyUnavailable(
            f"the settings of topic {name} cannot be changed: {result};"
            " a user with the right to alter its configuration can"
        )
