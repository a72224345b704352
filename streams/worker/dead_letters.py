"""Builds dead letters that always fit into a Kafka record.

Keys, values and headers come from the sender. A dead letter that is too large to send would block
its partition forever.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.errors import RecordError
from streams.wire.records import first_logged
from streams.wire.token_format import NOT_TOKENS
from streams.worker.handling import Incoming

__all__ = ["LARGEST_KEY", "LARGEST_LETTER", "Letter", "letter_about", "size_of"]

#: Bytes. Kafka rejects records above 1 MiB by default; the rest is left for headers.
LARGEST_LETTER = 900_000
#: Bytes. A household_id has at most 128 characters, so a longer key is not one.
LARGEST_KEY = 1_024


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: key, value and headers of its record."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


def size_of(record: Incoming) -> int:
    """Return the size of a record's key, value and headers in bytes."""
    return (
        len(record.key or b"")
        + len(record.value or b"")
        + sum(len(name.encode()) + len(value or b"") for name, value in record.headers)
    )


def letter_about(record: Incoming, error: RecordError) -> Letter:
    """Return the dead letter of a record: its key and value, position, time, and the error.

    A value that is too large is truncated, and a key that is too large is omitted; the headers
    ``misfire_size`` and ``misfire_key_size`` then give their lengths. Both are omitted if the
    record may contain spoken content.
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
