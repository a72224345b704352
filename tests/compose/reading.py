"""Print what the topics hold, as JSON: the events in each household's state, and dead letters.

run.py runs it in the engine's network, where Kafka's port is published.
"""

from __future__ import annotations

import json

from streams.kafka.connection import Brokers
from streams.kafka.reading import read_topic
from streams.kafka.topics import DEAD_LETTERS, HOUSEHOLDS
from streams.wire.state.packing import unpack


def main() -> None:
    """Read the latest state of each household, in the format of any version."""
    brokers = Brokers("127.0.0.1:9092")
    records = sorted(read_topic(brokers, HOUSEHOLDS), key=lambda record: record.place)
    latest = {record.key: record.value for record in records}
    states = [unpack(value).state for value in latest.values() if value is not None]
    events = {state.household_id: state.events for state in states}
    letters = sum(1 for _ in read_topic(brokers, DEAD_LETTERS))
    print(json.dumps({"events": events, "dead_letters": letters}))


if __name__ == "__main__":
    main()
