"""Whose time the records have: the log's, or one that their producers chose. Windows, expiry and erasure go by it."""

from __future__ import annotations

from streams.kafka.connection import EMBEDDED_CLUSTER, Brokers
from streams.kafka.partition_ends import records_at_ends
from streams.kafka.topics import CREATE_TIME, PRODUCED, admin
from streams.operations.findings import Finding

__all__ = ["log_time"]


def log_time(brokers: Brokers, *, producer_time: bool) -> Finding:
    """Look at the latest record of each partition that producers write to.

    The embedded broker is told to stamp records itself, says that it does, and does not: only the records tell. It listens on
    loopback alone, so that there it is no fault but a note; on any other broker it is a fault.
    """
    part = "log time"
    if producer_time:
        return Finding(
            part,
            True,
            "producers' times are believed (producer_time): this is for replays of old streams",
        )
    found = _types(brokers)
    if CREATE_TIME not in found:
        return Finding(
            part, True, "the log stamps every record itself" if found else "no record yet"
        )
    chosen = "records have a time that their producer chose, so that a program that may produce can stretch every window"
    if _is_embedded(brokers):
        note = "the embedded broker cannot stamp them, and only programs on this machine reach it"
        return Finding(
            part, True, f"note: {chosen}; {note}; run Apache Kafka where you do not trust them all"
        )
    return Finding(part, False, f"{chosen}; set message.timestamp.type=LogAppendTime")


def _is_embedded(brokers: Brokers) -> bool:
    client = admin(brokers)
    try:
        return bool(client.describe_cluster()["cluster_id"] == EMBEDDED_CLUSTER)
    finally:
        client.close()


def _types(brokers: Brokers) -> set[int]:
    ends = records_at_ends(brokers, PRODUCED, latest=True)
    return {record.timestamp_type for _, records in ends for record in records}
