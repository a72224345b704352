"""How a command comes to the brokers that its options and settings name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.kafka.connection import Brokers

__all__ = ["reached"]


def reached(config: Path | None, broker: str | None) -> Brokers:
    """Return the brokers, once one has answered.

    Raises:
        WrongUse: the settings cannot be used.
        MissingPart: no broker answers, or none lets us in.
    """
    from streams.kafka.connection import brokers_of
    from streams.settings import load
    from streams.kafka.topics import admin

    brokers = brokers_of(load(config, broker=broker).settings)
    admin(brokers).close()
    return brokers
