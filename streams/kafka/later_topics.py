"""Topics that the version before did not have: an upgraded installation may lack them."""

from __future__ import annotations

from kafka.errors import TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.kafka.topics import TOPICS, admin

__all__ = ["later_topics_missing"]

_MISSING = UnknownTopicOrPartitionError.errno
_REFUSED = TopicAuthorizationFailedError.errno


def later_topics_missing(brokers: Brokers) -> set[str]:
    """Return the missing topics among those that the version before did not have.

    Raises:
        DependencyUnavailable: no broker answers, or this client has no right to such a topic, so
            that it cannot be known whether the topic is missing.
    """
    names = [topic.name for topic in TOPICS if not topic.required]
    client = admin(brokers)
    try:
        codes = {each["name"]: each["error_code"] for each in client.describe_topics(names)}
    finally:
        client.close()
    refused = [name for name in names if codes.get(name) == _REFUSED]
    if refused:
        raise DependencyUnavailable(
            f"topic {', '.join(refused)} is missing, or this client has no right to it; run"
            " 'misfire topics create' and grant the rights again ('misfire topics acl')"
        )
    return {name for name in names if codes.get(name, _MISSING) == _MISSING}
