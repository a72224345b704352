"""The headers by which a worker's reply finds the request that it answers."""

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

__all__ = ["Asker", "asker_of", "reply_headers", "trace_of"]


#: A UUID has 36 characters, a SHA-256 in hexadecimal 64.
_LONGEST_CORRELATION = 128


#: No topic has a million partitions; a longer number is none.
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Asker:
    """Where somebody waits for an answer, by which id the answer is told from others, and until when: ``None`` is for ever."""

    partition: int
    correlation: bytes
    deadline: datetime | None = None


def asker_of(headers: Headers, partitions: int) -> Asker | None:
    """Return who waits for an answer; ``None`` where nobody does, or nobody could be reached.

    Args:
        headers: the record's.
        partitions: how many ``assistant.replies`` has.
    """
    partition, correlation = header(headers, REPLY_PARTITION), header(headers, CORRELATION_ID)
    if not partition or not correlation or len(correlation) > _LONGEST_CORRELATION:
        return None
    if len(partition) > _MOST_DIGITS or not partition.isdigit() or int(partition) >= partitions:
        return None
    return Asker(int(partition), correlation, _time(header(headers, DEADLINE)))


def reply_headers(asker: Asker, kind: str, now: datetime) -> list[tuple[str, bytes]]:
    """Return the headers of an answer: a CloudEvent in binary mode; after the asker's deadline it says by how much it is late.

    Args:
        asker: who waits.
        kind: the answer's CloudEvents type.
        now: when it is sent.
    """
    headers = [
        (CORRELATION_ID, asker.correlation),
        ("ce_specversion", b"1.0"),
        ("ce_id", asker.correlation),
        ("ce_type", kind.encode()),
        ("ce_source", b"misfire/worker"),
    ]
    if asker.deadline is None or now <= asker.deadline:
        return headers
    late = (now - asker.deadline).total_seconds() * 1000.0
    return [*headers, (LATE_MS, f"{late:.0f}".encode())]


def _time(text: bytes | None) -> datetime | None:
    """A point in time with its zone; ``None`` where there is none, or nobody could tell which it is."""
    try:
        return read_timestamp((text or b"").decode("latin-1"))
    except InvalidValue:
        return None


def trace_of(headers: Headers) -> bytes | None:
    """Return the ``traceparent`` to pass on; ``None`` where there is none, or where it is something else under that name."""
    return valid_trace(header(headers, "traceparent"))
