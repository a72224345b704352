"""``misfire replay``: sends a stream through broker and worker and collects the decisions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from detector.contracts.events import IntentEvent
from detector.progress import Progress, silent
from streams.errors import DependencyUnavailable, RecordError, UsageError
from streams.kafka.connection import Brokers
from streams.kafka.fetching import poll
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, INTENTS
from streams.wire.records import DECISION, INTENT

__all__ = ["Collected", "Collector", "refuse_used", "send_events"]

#: Seconds without a new decision after which the missing ones count as lost.
_IDLE_SECONDS = 30.0
#: Events that are sent before the acknowledgements of all of them are awaited.
_BATCH = 5_000
#: Seconds to wait for an acknowledgement.
_ACKNOWLEDGED = 30.0
#: Kafka's default of ``message.timestamp.after.max.ms``.
_ACCEPTED_AHEAD = timedelta(hours=1)


@dataclass(slots=True)
class Collected:
    """What was read from the log: the decisions' bytes by event id, and counts.

    ``doubled`` counts events with a second, different decision: they were applied twice. A second
    decision with the same bytes is a redelivery and counts as ``repeated``.
    """

    decisions: dict[str, bytes] = field(default_factory=dict)
    doubled: int = 0
    repeated: int = 0
    dead_letters: int = 0

    def add(self, value: bytes) -> None:
        """Add one record of the decisions' topic."""
        event_id = DECISION.decode(value).event_id
        before = self.decisions.setdefault(event_id, value)
        if before is not value:
            self.repeated += before == value
            self.doubled += before != value


class Collector:
    """Reads decisions and dead letters from the beginning of their topics."""

    def __init__(self, brokers: Brokers) -> None:
        self.collected = Collected()
        self._consumer = KafkaConsumer(
            **brokers.options,
            group_id=None,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=100,
        )
        topics = (DECISIONS, DEAD_LETTERS)
        self._consumer.assign(
            [
                TopicPartition(topic, number)
                for topic in topics
                for number in self._consumer.partitions_for_topic(topic) or ()
            ]
        )
        self._consumer.seek_to_beginning()

    def wait_for(
        self, events: Sequence[str], *, progress: Progress = silent, stage: str = "deciding"
    ) -> Collected:
        """Read until each of ``events`` has a decision or a dead letter, or records stop coming."""
        wanted, last = set(events), time.monotonic()
        missing = len(wanted - self.collected.decisions.keys())
        while missing > self.collected.dead_letters and time.monotonic() - last < _IDLE_SECONDS:
            if self._poll():
                last = time.monotonic()
            missing = len(wanted - self.collected.decisions.keys())
            progress(stage, len(wanted) - missing, len(wanted))
        self._poll()
        return self.collected

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()

    def _poll(self) -> int:
        found = 0
        for partition, records in poll(self._consumer, timeout_ms=200, max_records=5_000).items():
            found += len(records)
            for record in records:
                if partition.topic == DECISIONS:
                    self._take(record.value)
                else:
                    self.collected.dead_letters += 1
        return found

    def _take(self, value: bytes) -> None:
        try:
            self.collected.add(value)
        except RecordError:
            raise UsageError(
                f"{DECISIONS} contains records that are not decisions; "
                "use a separate broker to replay"
            ) from None


def send_events(
    brokers: Brokers,
    events: Sequence[IntentEvent],
    *,
    progress: Progress = silent,
    stage: str = "sending",
) -> None:
    """Publish a stream in order, with the events' own times, and wait for acknowledgements.

    Raises:
        UsageError: the broker refuses the events' times.
        DependencyUnavailable: the broker did not accept the events.
    """
    producer = KafkaProducer(**brokers.options, linger_ms=5)
    try:
        for begin in range(0, len(events), _BATCH):
            progress(stage, begin, len(events))
            _send(producer, events[begin : begin + _BATCH])
    except KafkaError as error:
        last = max(event.time for event in events)
        if last > datetime.now(UTC) + _ACCEPTED_AHEAD:
            raise UsageError(
                f"{brokers} refused the stream: Kafka accepts times up to an hour ahead of its "
                f"clock, and the last event is of {last:%Y-%m-%d}; shift the times into the past"
            ) from error
        raise DependencyUnavailable(
            f"{brokers} did not accept the stream ({type(error).__name__}); "
            "run this again on an empty broker"
        ) from error
    finally:
        producer.close()
    progress(stage, len(events), len(events))


def _send(producer: KafkaProducer, events: Sequence[IntentEvent]) -> None:
    sent = [
        producer.send(
            INTENTS,
            INTENT.encode(event),
            key=event.household_id.encode(),
            headers=INTENT.headers(event.event_id, event.time, source="misfire/replay"),
            timestamp_ms=round(1000 * event.seconds),
        )
        for event in events
    ]
    for each in sent:
        each.get(timeout=_ACKNOWLEDGED)


def refuse_used(brokers: Brokers) -> None:
    """Refuse a broker whose topic of intents is not empty.

    Raises:
        UsageError: there are records, which would mix with the replay in the households' histories.
    """
    consumer = KafkaConsumer(**brokers.options, group_id=None)
    partitions = [
        TopicPartition(INTENTS, number) for number in consumer.partitions_for_topic(INTENTS) or ()
    ]
    records = sum(consumer.end_offsets(partitions).values()) if partitions else 0
    consumer.close()
    if records:
        raise UsageError(
            f"{INTENTS} on {brokers} already contains {records} records; "
            "use a separate broker to replay"
        )
