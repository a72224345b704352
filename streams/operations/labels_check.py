"""A check for ``misfire doctor`` that workers apply the labels that people give."""

from __future__ import annotations

from collections.abc import Iterable

from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.reading import TopicRecord
from streams.kafka.reading_backwards import read_backwards
from streams.kafka.topics import DEAD_LETTERS, INTENTS, LABELS
from streams.operations.findings import Finding
from streams.wire.records import LABEL, header

__all__ = ["check_labels", "compare_labels"]

_PART = "labels"
#: Seconds within which a worker that is not behind applies a label.
_SOON = 60.0


def check_labels(brokers: Brokers, topics: Iterable[str], now: float) -> Finding:
    """Check that the labels among the latest records of the log were applied.

    Args:
        brokers: the brokers.
        topics: the topics that exist.
        now: the present, in seconds since the epoch.
    """
    if not {INTENTS, LABELS} <= set(topics):
        text = f"topic {LABELS} or {INTENTS} is missing, so no label is applied; create it with"
        return Finding(_PART, False, f"{text} 'misfire topics create'")
    # The claims are read first: a label that is applied in between must not seem to be late.
    claims = next(read_backwards(brokers, INTENTS), [])
    return compare_labels(claims, next(read_backwards(brokers, LABELS), []), now)


def compare_labels(
    claims: Iterable[TopicRecord], applied: Iterable[TopicRecord], now: float
) -> Finding:
    """Compare the labels in the log with those that workers have published with their effects.

    Args:
        claims: records of ``assistant.intents``; only labels among them count.
        applied: records of ``misfire.labels``.
        now: the present, in seconds since the epoch.
    """
    asked = {
        name: held
        for held in claims
        if header(held.headers, "ce_type") == LABEL.type.encode() and (name := _id_of(held))
    }
    done = {_id_of(held) for held in applied}
    late = [
        held for name, held in asked.items() if name not in done and now - held.timestamp > _SOON
    ]
    if not late:
        return Finding(_PART, True, f"the latest {len(asked)} labels are applied")
    oldest = min(late, key=lambda held: held.timestamp)
    text = (
        f"{len(late)} of {len(asked)} labels are not applied; the oldest is at offset"
        f" {oldest.place.offset} of partition {oldest.place.partition} of {INTENTS}. A worker may"
        f" be behind, of a version without labels, or have refused them ({DEAD_LETTERS})"
    )
    return Finding(_PART, False, text)


def _id_of(held: TopicRecord) -> str:
    """Return the id of a label; empty if the record cannot be read."""
    try:
        return LABEL.decode(held.value).label_id
    except RecordError:
        return ""
