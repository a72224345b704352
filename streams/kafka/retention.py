"""Checks of whether the broker deletes records when their retention ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from kafka import KafkaAdminClient

from streams.kafka.connection import Brokers
from streams.kafka.partition_ends import records_at_ends
from streams.kafka.topics import TOPICS, Topic, reported_settings

__all__ = ["overdue"]

#: Seconds that a broker may be late: it checks every 5 minutes and removes files a minute later.
_GRACE = 600.0


def overdue(brokers: Brokers, client: KafkaAdminClient, now: float) -> list[str]:
    """Return a sentence for each topic with records past their retention.

    Args:
        brokers: the brokers to read from; the oldest record of every partition is read.
        client: an admin client of the same brokers. The topics of a broker that reports no settings
            (the embedded one) are not checked, because it keeps everything.
        now: seconds since the epoch.
    """
    bounded = {
        topic.name: topic
        for topic in TOPICS
        if topic.retention is not None and reported_settings(client, topic)
    }
    found = []
    for name, oldest in _oldest(brokers, bounded).items():
        if now - oldest > bounded[name].kept / 1000 + _GRACE:
            since = datetime.fromtimestamp(oldest, UTC).isoformat(timespec="seconds")
            found.append(
                f"topic {name} has a record of {since}, but keeps records for at most"
                f" {_days(bounded[name].kept)}; check the broker's log"
            )
    return found


def _oldest(brokers: Brokers, topics: Mapping[str, Topic]) -> dict[str, float]:
    """Return the time of the oldest readable record of each topic that has one."""
    oldest: dict[str, float] = {}
    for name, records in records_at_ends(brokers, topics, latest=False):
        seconds = min(record.timestamp for record in records) / 1000
        oldest[name] = min(oldest.get(name, seconds), seconds)
    return oldest


def _days(milliseconds: int) -> str:
    minutes = milliseconds // 60_000
    return f"{minutes // 1_440} days" if minutes >= 1_440 else f"{minutes} minutes"
