"""Checks that Kafka, not the producers, timestamps records: expiry and erasure depend on it."""

from __future__ import annotations

from streams.kafka.connection import EMBEDDED_CLUSTER, Brokers
from streams.kafka.partition_ends import records_at_ends
from streams.kafka.topics import CREATE_TIME, PRODUCED, admin
from streams.operations.findings import Finding

__all__ = ["log_time"]


def log_time(brokers: Brokers, *, producer_time: bool) -> Finding:
    """Check the timestamp type of the latest record in each partition that producers write to.

    The topics' configuration is not enough: the embedded broker accepts ``LogAppendTime`` and
    ignores it. That broker listens on loopback only, so there the finding is a note; on any other
    broker it is a fault.
    """
    part = "log time"
    if producer_time:
        return Finding(
            part,
            True,
            "producers' timestamps are trusted (producer_time): only for replays of old streams",
        )
    found = _timestamp_types(brokers)
    if CREATE_TIME not in found:
        return Finding(
            part, True, "the broker timestamps every record" if found else "no record yet"
        )
    chosen = "producers choose the records' timestamps, so any producer can extend a time window"
    if _is_embedded(brokers):
        note = "the embedded broker cannot, but only programs on this machine reach it"
        return Finding(
            part, True, f"note: {chosen}; {note}; use Apache Kafka if you do not trust all of them"
        )
    return Finding(part, False, f"{chosen}; set message.timestamp.type=LogAppendTime")


def _is_embedded(brokers: Brokers) -> bool:
    client = admin(brokers)
    try:
        return bool(client.describe_cluster()["cluster_id"] == EMBEDDED_CLUSTER)
    finally:
        client.close()


def _timestamp_types(brokers: Brokers) -> set[int]:
    ends = records_at_ends(brokers, PRODUCED, latest=True)
    return {record.timestamp_type for _, records in ends for record in records}
