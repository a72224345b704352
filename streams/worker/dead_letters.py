"""What the worker sends besides decisions: answers to whoever waits, and dead letters. All of it fits into a record.

What a sender puts into headers and keys is passed on; a record that cannot be sent would stop everything behind it, for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from detector.contracts.errors import InvalidValue
from detector.contracts.timestamps import read_timestamp
from streams.errors import BadRecord
from streams.worker.handling import Incoming
from streams.wire.records import CORRELATION_ID, DEADLINE, LATE_MS, REPLY_PARTITION, Headers, first_logged, header
from streams.wire.token_format import NOT_TOKENS
from streams.telemetry.tracing import valid_trace

__all__ = [
    "LARGEST_KEY",
    "LARGEST_LETTER",
    "Asker",
    "Letter",
    "asker_of",
    "letter_about",
    "reply_headers",
    "size_of",
    "trace_of",
]

#: Kafka's producers and brokers refuse records above 1 MiB by default; the rest is left for headers.
LARGEST_LETTER = 900_000
#: A household_id has at most 128 characters; a longer key is none.
LARGEST_KEY = 1_024
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


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, ready to be sent."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


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


def size_of(record: Incoming) -> int:
    """Return how many bytes a record takes: key, value and headers."""
    return (
        len(record.key or b"")
        + len(record.value or b"")
        + sum(len(name.encode()) + len(value or b"") for name, value in record.headers)
    )


def letter_about(record: Incoming, error: BadRecord) -> Letter:
    """Return the dead letter about a record: its bytes and key, where it stood and since when, and why it could not be read.

    A value that does not fit is cut, a key that does not is left out; the headers ``misfire_size`` and ``misfire_key_size`` then
    say how long they were. Of a record that may hold what somebody said, neither is repeated.
    """
    headers = [
        ("misfire_reason", error.code.encode()),
        ("misfire_error", str(error).encode()),
        ("misfire_topic", record.topic.encode()),
        ("misfire_partition", str(record.partition).encode()),
        ("misfire_offset", str(record.offset).encode()),
        first_logged(record.headers, record.timestamp),
    ]
    key, value = record.key, record.value or b""
    withheld = error.code == NOT_TOKENS
    if key is not None and (withheld or len(key) > LARGEST_KEY):
        headers.append(("misfire_key_size", str(len(key)).encode()))
        key = None
    if withheld or len(value) > LARGEST_LETTER:
        headers.append(("misfire_size", str(len(value)).encode()))
        value = b"" if withheld else value[:LARGEST_LETTER]
    return Letter(key, value, headers)
