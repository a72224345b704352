"""Sends an operator's commands on a household through the log, in order with its intent events."""

from __future__ import annotations

import time as clock
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.kafka.reading import Place, read_topic
from streams.kafka.topic_ids import look_up
from streams.kafka.topics import HOUSEHOLDS, INTENTS, admin
from streams.lifecycle.rules import forget_household
from streams.privacy.archive import ForeignRecordError, seal
from streams.privacy.holdings import Holding
from streams.wire.records import COMMAND, Command, HouseholdCommand
from streams.wire.state.marks import Mark, is_applied
from streams.wire.state.packing import Stored, unpack

__all__ = ["sealed", "send_command", "wait_until_applied", "wait_until_erased"]

#: Seconds between polls of the changelog.
_LOOK_AGAIN = 0.5


def send_command(brokers: Brokers, household_id: str, command: Command) -> Place:
    """Write a command to the log and return its position.

    Before an erasure, the rules that name the household are removed.

    Raises:
        DependencyUnavailable: the broker does not accept it.
    """
    if command is Command.ERASE:
        forget_household(brokers, household_id, by="misfire household")
    given = HouseholdCommand(
        command_id=uuid.uuid4().hex,
        command=command,
        household_id=household_id,
        time=datetime.now(UTC),
    )
    headers = COMMAND.headers(given.command_id, given.time, source="misfire/household")
    try:
        producer = KafkaProducer(**brokers.options)
        try:
            sent = producer.send(
                INTENTS, COMMAND.encode(given), key=household_id.encode(), headers=headers
            )
            metadata = sent.get(timeout=30)
        finally:
            producer.close()
    except KafkaError as error:
        raise DependencyUnavailable(
            f"{brokers} did not accept the command ({type(error).__name__})"
        ) from error
    return Place(metadata.topic, metadata.partition, metadata.offset)


def wait_until_erased(brokers: Brokers, household_id: str, command: Place, seconds: float) -> bool:
    """Wait until a worker has applied the erasure; return ``False`` on timeout."""
    return wait_until_applied(
        brokers, household_id, command, seconds, lambda stored: stored.erased is not None
    )


def wait_until_applied(
    brokers: Brokers,
    household_id: str,
    command: Place,
    seconds: float,
    holds: Callable[[Stored], bool],
) -> bool:
    """Wait until the household's state contains a record and ``holds``; ``False`` on timeout."""
    client = admin(brokers)
    mark = Mark(
        look_up(client, [command.topic]).of(command.topic), command.partition, command.offset
    )
    client.close()
    # A household has the same partition in every topic keyed by household.
    key, give_up = household_id.encode(), clock.monotonic() + seconds
    while True:
        states = [
            held.value
            for held in read_topic(brokers, HOUSEHOLDS, command.partition)
            if held.key == key and held.value
        ]
        latest = unpack(states[-1]) if states and states[-1] else None
        if latest is not None and is_applied(latest.intents, mark) and holds(latest):
            return True
        if clock.monotonic() > give_up:
            return False
        clock.sleep(_LOOK_AGAIN)


def sealed(
    brokers: Brokers,
    household_id: str,
    holdings: Sequence[Holding],
    made: datetime,
    recipients: Sequence[Any],
) -> bytes:
    """Return the encrypted archive of a household.

    Raises:
        ForeignRecordError: a record of the household also contains another's data. There is no
            archive, and the worker counts the refusal, which raises an alert.
    """
    try:
        return seal(household_id, holdings, made, recipients)
    except ForeignRecordError:
        send_command(brokers, household_id, Command.EXPORT_REFUSED)
        raise
