"""Whether topics really let go of what they have kept for long enough."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from kafka import KafkaAdminClient

from streams.kafka.connection import Brokers
from streams.kafka.partition_ends import records_at_ends
from streams.kafka.topics import TOPICS, Topic, told_settings

__all__ = ["overdue"]

#: Seconds after which a broker may still hold what it ought to delete: it looks every 5 minutes, and removes files a minute later.
_GRACE = 600.0


def overdue(brokers: Brokers, client: KafkaAdminClient, now: float) -> list[str]:
    """Return which topics hold records for longer than they should, a sentence each.

    Args:
        brokers: where to look; every partition's oldest record is read.
        client: of the same, for what the broker has been told to keep; one that tells nothing keeps everything and is not looked at.
        now: seconds since the epoch.
    """
    bounded = {
        topic.name: topic
        for topic in TOPICS
        if topic.retention is not None and told_settings(client, topic)
    }
    found = []
    for name, oldest in _oldest(brokers, bounded).items():
        if now - oldest > bounded[name].kept / 1000 + _GRACE:
            since = datetime.fromtimestamp(oldest, UTC).isoformat(timespec="seconds")
            found.append(
                f"topic {name} holds a record of {since}, {_days(bounded[name].kept)} is the longest; look at the broker's log"
            )
    return found


def _oldest(brokers: Brokers, topics: Mapping[str, Topic]) -> dict[str, float]:
    """The time of the oldest record of each topic that has one, as far as they can be read."""
    oldest: dict[str, float] = {}
    for name, records in records_at_ends(brokers, topics, latest=False):
        seconds = min(record.timestamp for record in records) / 1000
        oldest[name] = min(oldest.get(name, seconds), seconds)
    return oldest


def _days(milliseconds: int) -> str:
    minutes = milliseconds // 60_000
    return f"{minutes // 1_440} days" if minutes >= 1_440 else f"{minutes} minutes"
