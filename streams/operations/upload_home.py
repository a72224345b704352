"""Moves a home from an embedded hook's file to a Kafka installation, with its history."""

from __future__ import annotations

import uuid
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.embedded.opened import opened
from streams.embedded.transaction import KeptRecord, Transaction
from streams.errors import DependencyUnavailable, UsageError
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place, read_topic
from streams.kafka.topics import HOUSEHOLDS, INTENTS
from streams.privacy.commands import wait_until_applied
from streams.privacy.household_files import TOPIC_OF
from streams.wire.records import (
    FIRST_LOGGED,
    HISTORY,
    MAX_UPLOAD_BYTES,
    UPLOAD,
    HouseholdUpload,
)
from streams.wire.state.packing import Stored, pack, unpack

__all__ = ["Uploaded", "upload_home"]

_SOURCE = "misfire/upload"


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What was moved: the number of records, and whether a worker has applied the state."""

    records: int
    applied: bool


def upload_home(path: Path, household_id: str, brokers: Brokers, wait: float) -> Uploaded:
    """Send a home's records and then its state, and wait until a worker has applied the state.

    The records are marked as history, which workers skip: their decisions were made and their
    lessons are in the state. The file is locked meanwhile, so no decision is lost between the two.
    If the upload fails before the state is sent, it can be repeated.

    Args:
        path: the household file.
        household_id: the household in it.
        brokers: the brokers of the installation.
        wait: seconds to wait for a worker.

    Raises:
        DependencyUnavailable: the file or the brokers cannot be used.
        UsageError: the home has no state or too large a one, or has a history in the installation.
    """
    with opened(path) as transaction:
        if household_id not in transaction.households():
            raise UsageError(f"{path} has no household {household_id}")
        _refuse_known(brokers, household_id)
        stored = transaction.stored(household_id)
        records, place = _send(brokers, transaction, household_id, stored)

        def holds(found: Stored) -> bool:
            return found.state.events >= stored.state.events

        return Uploaded(records, wait_until_applied(brokers, household_id, place, wait, holds))


def _refuse_known(brokers: Brokers, household_id: str) -> None:
    key = household_id.encode()
    states = [held.value for held in read_topic(brokers, HOUSEHOLDS) if held.key == key]
    if states and states[-1] and unpack(states[-1]).state.events:
        raise UsageError(
            f"{household_id} has a history in the installation at {brokers} already; "
            "a second upload would replace it"
        )


def _send(
    brokers: Brokers, transaction: Transaction, household_id: str, stored: Stored
) -> tuple[int, Place]:
    """Send the records, then the state; return the number of records and the state's place."""
    key, now = household_id.encode(), datetime.now(UTC)
    given = HouseholdUpload(
        upload_id=uuid.uuid4().hex,
        household_id=household_id,
        time=now,
        state=b64encode(pack(replace(stored, intents=(), outcomes=()))).decode(),
    )
    value = UPLOAD.encode(given)
    if len(value) > MAX_UPLOAD_BYTES:
        raise UsageError(f"the state of {household_id} is too large for a record of Kafka")
    try:
        producer = KafkaProducer(**brokers.options, linger_ms=5)
        try:
            sent = [
                producer.send(TOPIC_OF[kept.type], kept.value, key=key, headers=_headers(kept))
                for kept in transaction.records(household_id)
            ]
            for each in sent:
                each.get(timeout=30)
            headers = UPLOAD.headers(given.upload_id, now, source=_SOURCE)
            at = producer.send(INTENTS, value, key=key, headers=headers).get(timeout=30)
        finally:
            producer.close()
    except KafkaError as error:
        raise DependencyUnavailable(
            f"{brokers} did not accept the home ({type(error).__name__}); repeat the upload"
        ) from error
    return len(sent), Place(at.topic, at.partition, at.offset)


def _headers(kept: KeptRecord) -> list[tuple[str, bytes]]:
    when = datetime.fromtimestamp(kept.at, UTC).isoformat().replace("+00:00", "Z")
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{kept.household_id}-{kept.number}".encode()),
        ("ce_type", kept.type.encode()),
        ("ce_source", _SOURCE.encode()),
        ("ce_time", when.encode()),
        ("content-type", b"application/json"),
        (FIRST_LOGGED, f"{kept.at:.3f}".encode()),
        (HISTORY, b"1"),
    ]
