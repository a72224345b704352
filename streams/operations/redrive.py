"""``misfire redrive``: sends dead letters that the worker would accept now to their topics again.

A letter stays in the dead-letter topic. After its record is sent again, a receipt is written to the
same topic, and later runs skip letters that have one. If a run is interrupted between the record
and its receipt, the next run sends that record a second time; the worker recognises its event id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.errors import DependencyUnavailable, RecordError
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import DEAD_LETTERS, INTENTS, OUTCOMES
from streams.wire.records import INTENT, OUTCOME, first_logged, header
from streams.worker.handling import Incoming, read_intent, read_outcome

__all__ = ["DEFAULT_REASONS", "REDRIVEN", "Resend", "SortedLetters", "send_again", "sort_letters"]

#: Reasons that may no longer apply: a bug that a release fixed, and clocks that 0.1 rejected.
DEFAULT_REASONS = ("internal_error", "time_in_future")
#: The reason code of a receipt.
REDRIVEN = "redriven"
_SOURCE = "misfire/redrive"


@dataclass(frozen=True, slots=True)
class Resend:
    """A record to send again, and the position of its dead letter."""

    letter: Place
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(slots=True)
class SortedLetters:
    """Which letters are sent again, and how many are not.

    ``left`` counts the others by reason: ``redriven`` by an earlier run, ``another reason`` than
    the requested ones, ``incomplete`` (truncated, or withheld because it may contain speech),
    ``of no topic`` that the worker reads, or ``refused: …`` with the reason code that applies now.
    """

    again: list[Resend] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


def sort_letters(
    letters: Iterable[TopicRecord], reasons: Collection[str], now: datetime
) -> SortedLetters:
    """Return which letters to send again, reading each as the worker would read it now.

    Args:
        letters: the whole topic, since a receipt may be in another partition than its letter.
        reasons: reason codes of the letters to send again.
        now: the time that the events' clocks are compared with.
    """
    found = SortedLetters()
    every = list(letters)
    receipts = {
        header(held.headers, "misfire_letter") for held in every if _reason(held) == REDRIVEN
    }
    for held in every:
        reason = _reason(held)
        if reason == REDRIVEN:
            continue
        if _name(held.place) in receipts:
            found.left["redriven"] += 1
        elif reason not in reasons:
            found.left["another reason"] += 1
        elif held.key is None or not held.value or header(held.headers, "misfire_size"):
            found.left["incomplete"] += 1
        else:
            _sort(held, held.key, held.value, now, found)
    return found


def send_again(brokers: Brokers, records: Iterable[Resend]) -> int:
    """Send records, each followed by its receipt, and return their number.

    Raises:
        DependencyUnavailable: the broker refused a record; the records before it are sent.
    """
    sent = 0
    try:
        producer = KafkaProducer(**brokers.options)
        try:
            for record in records:
                producer.send(
                    record.topic, record.value, key=record.key, headers=record.headers
                ).get(30)
                receipt = [
                    ("misfire_reason", REDRIVEN.encode()),
                    ("misfire_letter", _name(record.letter)),
                ]
                producer.send(DEAD_LETTERS, b"", key=record.key, headers=receipt).get(30)
                sent += 1
        finally:
            producer.close()
    except KafkaError as error:
        raise DependencyUnavailable(
            f"the broker at {brokers} failed after {sent} records ({type(error).__name__}); "
            "run this again"
        ) from error
    return sent


def _sort(held: TopicRecord, key: bytes, value: bytes, now: datetime, found: SortedLetters) -> None:
    topic = (header(held.headers, "misfire_topic") or b"").decode("ascii", "replace")
    readers: dict[str, Any] = {INTENTS: (read_intent, INTENT), OUTCOMES: (read_outcome, OUTCOME)}
    if topic not in readers:
        found.left["of no topic"] += 1
        return
    read, kind = readers[topic]
    try:
        event = read(
            Incoming(
                topic, held.place.partition, held.place.offset, now.timestamp(), key, value, ()
            )
        )
    except RecordError as error:
        found.left[f"refused: {error.code}"] += 1
        return
    headers = kind.headers(event.event_id, event.time.astimezone(UTC), source=_SOURCE)
    headers.append(first_logged(held.headers, held.timestamp))
    found.again.append(Resend(held.place, topic, key, value, headers))


def _reason(held: TopicRecord) -> str:
    return (header(held.headers, "misfire_reason") or b"").decode("ascii", "replace")


def _name(place: Place) -> bytes:
    return f"{place.partition}/{place.offset}".encode()
