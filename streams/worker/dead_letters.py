"""What the worker sends besides decisions: answers to whoever waits, and dead letters. All of it fits into a record.

What a sender puts into headers and keys is passed on; a record that cannot be sent would stop everything behind it, for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.errors import RecordError
from streams.wire.records import (
    first_logged,
)
from streams.wire.token_format import NOT_TOKENS
from streams.worker.handling import Incoming

__all__ = ["LARGEST_KEY", "LARGEST_LETTER", "Letter", "letter_about", "size_of"]

#: Kafka's producers and brokers refuse records above 1 MiB by default; the rest is left for headers.
LARGEST_LETTER = 900_000
#: A household_id has at most 128 characters; a longer key is none.
LARGEST_KEY = 1_024


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, ready to be sent."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


def size_of(record: Incoming) -> int:
    """Return how many bytes a record takes: key, value and headers."""
    return (
        len(record.key or b"")
        + len(record.value or b"")
        + sum(len(name.encode()) + len(value or b"") for name, value in record.headers)
    )


def letter_about(record: Incoming, error: RecordError) -> Letter:
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
