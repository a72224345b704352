"""Sending dead letters to their topics again: those that would be read today.

The log keeps everything: a letter stays where it is, and a receipt after it says that it was sent again, so that the next run leaves
it alone. The receipt follows the record; whoever stops in between sends that one again, and the worker knows an event by its id.
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
from streams.kafka.reading import Held, Place
from streams.kafka.topics import DEAD_LETTERS, INTENTS, OUTCOMES
from streams.wire.records import INTENT, OUTCOME, first_logged, header
from streams.worker.handling import Incoming, read_intent, read_outcome

__all__ = ["LIKELY", "REDRIVEN", "Again", "Sorted", "send_again", "sort_letters"]

#: Reasons that pass: a fault of ours that a release mends; and a clock that release 0.1 refused.
LIKELY = ("internal_error", "time_in_future")
#: The reason that a receipt has.
REDRIVEN = "redriven"
_SOURCE = "misfire/redrive"


@dataclass(frozen=True, slots=True)
class Again:
    """A record to send, and the place of the letter that it was in."""

    letter: Place
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(slots=True)
class Sorted:
    """What becomes of the letters.

    ``left`` counts those that stay, by why: ``redriven`` before, ``another reason`` than asked for, ``incomplete`` (cut, or withheld
    because it might hold what somebody said), ``of no topic`` that is read, or ``refused: …`` with the reason that holds today.
    """

    again: list[Again] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


def sort_letters(letters: Iterable[Held], reasons: Collection[str], now: datetime) -> Sorted:
    """Say which letters are sent again; each is read as the worker would read it now.

    Args:
        letters: all of the topic: a receipt may stand in another partition than its letter.
        reasons: which letters are asked for.
        now: the time that clocks are held against.
    """
    found = Sorted()
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


def send_again(brokers: Brokers, records: Iterable[Again]) -> int:
    """Send records, each followed by its receipt, and return how many.

    Raises:
        DependencyUnavailable: the broker took one no more; those before it are sent.
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
            f"after {sent} records the broker at {brokers} took no more ({type(error).__name__}); run it again"
        ) from error
    return sent


def _sort(held: Held, key: bytes, value: bytes, now: datetime, found: Sorted) -> None:
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
    found.again.append(Again(held.place, topic, key, value, headers))


def _reason(held: Held) -> str:
    return (header(held.headers, "misfire_reason") or b"").decode("ascii", "replace")


def _name(place: Place) -> bytes:
    return f"{place.partition}/{place.offset}".encode()
