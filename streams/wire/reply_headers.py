"""Headers that connect a worker's reply with the request that it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from detector.contracts.errors import InvalidValue
from detector.contracts.timestamps import read_timestamp
from streams.wire.records import (
    CORRELATION_ID,
    DEADLINE,
    LATE_MS,
    REPLY_PARTITION,
    Headers,
    header,
)
from streams.wire.traceparent import valid_trace

__all__ = ["ReplyTarget", "reply_headers", "reply_target", "trace_of"]

#: A UUID has 36 characters, a SHA-256 in hexadecimal 64.
_LONGEST_CORRELATION = 128
#: No topic has a million partitions.
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """Where a client waits for a reply: partition, correlation id and deadline, if any."""

    partition: int
    correlation: bytes
    deadline: datetime | None = None


def reply_target(headers: Headers, partitions: int) -> ReplyTarget | None:
    """Return where the reply to a record goes; ``None`` without a valid reply address.

    Args:
        headers: headers of the record.
        partitions: number of partitions of ``assistant.replies``.
    """
    partition, correlation = header(headers, REPLY_PARTITION), header(headers, CORRELATION_ID)
    if not partition or not correlation or len(correlation) > _LONGEST_CORRELATION:
        return None
    if len(partition) > _MOST_DIGITS or not partition.isdigit() or int(partition) >= partitions:
        return None
    return ReplyTarget(int(partition), correlation, _time(header(headers, DEADLINE)))


def reply_headers(target: ReplyTarget, kind: str, now: datetime) -> list[tuple[str, bytes]]:
    """Return the headers of a reply: a CloudEvent in binary mode, with ``LATE_MS`` if it is late.

    Args:
        target: where the reply goes.
        kind: CloudEvents type of the reply.
        now: when it is sent.
    """
    headers = [
        (CORRELATION_ID, target.correlation),
        ("ce_specversion", b"1.0"),
        ("ce_id", target.correlation),
        ("ce_type", kind.encode()),
        ("ce_source", b"misfire/worker"),
    ]
    if target.deadline is None or now <= target.deadline:
        return headers
    late = (now - target.deadline).total_seconds() * 1000.0
    return [*headers, (LATE_MS, f"{late:.0f}".encode())]


def _time(text: bytes | None) -> datetime | None:
    """Return a time with its zone; ``None`` for a missing or invalid one."""
    try:
        return read_timestamp((text or b"").decode("latin-1"))
    except InvalidValue:
        return None


def trace_of(headers: Headers) -> bytes | None:
    """Return the ``traceparent`` header to pass on, or ``None`` if it is missing or invalid."""
    return valid_trace(header(headers, "traceparent"))
