"""Publishes a backlog of events for the worker, in its own process.

``python -m streams.local.bench.backlog BROKER EVENTS``
"""

from __future__ import annotations

import sys

from streams.kafka.connection import Brokers
from streams.local.bench.load import Load
from streams.operations.replay import send_events

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Publish as many events as the arguments say. No client waits for their decisions."""
    broker, events = arguments
    send_events(Brokers(broker), [call.event for call in Load(households=20).draw(int(events))])


if __name__ == "__main__":
    main(sys.argv[1:])
