"""Exercising a household's rights, for the command line and the operator API alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from streams.kafka.connection import Brokers
from streams.wire.records import Command
from streams.privacy.archive import ForeignRecord, seal
from streams.privacy.commands import send_command
from streams.privacy.holdings import Holding, collect
from streams.kafka.reading import read_topic

__all__ = ["collected", "counts", "sealed"]


def collected(brokers: Brokers, household_id: str) -> list[Holding]:
    """Return what every topic and the state store hold on a household; all of each is read.

    Raises:
        MissingPart: a topic is missing, or cannot be read to its end.
    """
    return collect(household_id, partial(read_topic, brokers))


def sealed(
    brokers: Brokers,
    household_id: str,
    holdings: Sequence[Holding],
    made: datetime,
    recipients: Sequence[Any],
) -> bytes:
    """Return the encrypted archive of a household.

    Raises:
        ForeignRecord: one record of the household holds another's content as well. There is no archive; the worker counts it, which
            raises an alert.
    """
    try:
        return seal(household_id, holdings, made, recipients)
    except ForeignRecord:
        send_command(brokers, household_id, Command.EXPORT_REFUSED)
        raise


def counts(holding: Holding) -> dict[str, Any]:
    """Return what is said about a source without saying what is in it."""
    return {
        "source": holding.source,
        "records": holding.records,
        "read": holding.read,
        "first": holding.first,
        "last": holding.last,
        "superseded": holding.superseded,
        "unchecked": [str(place) for place in holding.unchecked],
        "disputed": [str(place) for place in holding.disputed],
        "foreign": [str(place) for place in holding.foreign],
    }
