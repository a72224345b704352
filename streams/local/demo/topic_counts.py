"""Counts the demo's events in the topics, independently of what the demo itself has seen."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from kafka import KafkaConsumer, TopicPartition

from detector.contracts.decisions import Decision
from detector.progress import Progress, silent
from streams.errors import DependencyUnavailable
from streams.kafka.connection import Brokers
from streams.kafka.fetching import poll
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, HOUSEHOLDS
from streams.wire.records import DECISION
from streams.wire.state.packing import unpack

__all__ = ["Counts", "Ledger"]

#: Seconds without a new record after which missing events count as lost.
_IDLE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of events sent.

    Attributes:
        sent: all events.
        decided: events with a decision.
        lost: events with neither a decision nor a dead letter.
        doubled: events that were applied twice or have two different decisions.
        dead_letters: dead letters.
    """

    sent: int
    decided: int
    lost: int
    doubled: int
    dead_letters: int


class Ledger:
    """Reads the decisions, dead letters and states of some households from the beginning."""

    def __init__(self, brokers: Brokers, households: Collection[str]) -> None:
        self.decisions: dict[str, Decision] = {}
        self._households = {household.encode() for household in households}
        self._values: dict[str, bytes] = {}
        self._contradictions: set[str] = set()
        self._applied: dict[bytes, int] = {}
        self._dead_letters = 0
        self._consumer = KafkaConsumer(
            **brokers.options, group_id=None, enable_auto_commit=False, fetch_max_wait_ms=50
        )
        self._consumer.assign(
            [
                TopicPartition(topic, number)
                for topic in (DECISIONS, DEAD_LETTERS, HOUSEHOLDS)
                for number in self._consumer.partitions_for_topic(topic) or ()
            ]
        )
        self._consumer.seek_to_beginning()

    def wait_for(
        self,
        events: Collection[str],
        *,
        stage: str = "waiting for decisions",
        progress: Progress = silent,
    ) -> None:
        """Read until each of ``events`` has a decision and is applied to a state.

        Raises:
            DependencyUnavailable: records stop coming.
        """
        last = time.monotonic()
        while (open_ := self._open(events)) > 0:
            if self._poll():
                last = time.monotonic()
            elif time.monotonic() - last > _IDLE_SECONDS:
                raise DependencyUnavailable(
                    f"{open_} of {len(events)} events were not decided; check the worker's log"
                )
            progress(stage, len(events) - open_, len(events))
        progress(stage, len(events), len(events))

    def count(self, events: Collection[str]) -> Counts:
        """Read until nothing is missing or records stop coming, and count."""
        last = time.monotonic()
        while self._open(events) > 0 and time.monotonic() - last < _IDLE_SECONDS / 2:
            if self._poll():
                last = time.monotonic()
        # An event that was applied twice shows up in a later state, so read until a poll is empty.
        while self._poll():
            pass
        sent, decided = len(set(events)), len(self.decisions.keys() & set(events))
        twice = max(sum(self._applied.values()) - decided, 0)
        return Counts(
            sent=sent,
            decided=decided,
            lost=sent - decided - self._dead_letters,
            doubled=max(twice, len(self._contradictions)),
            dead_letters=self._dead_letters,
        )

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()

    def _open(self, events: Collection[str]) -> int:
        undecided = len(set(events) - self.decisions.keys()) - self._dead_letters
        unwritten = len(set(events)) - self._dead_letters - sum(self._applied.values())
        return max(undecided, unwritten)

    def _poll(self) -> int:
        found = 0
        for partition, records in poll(self._consumer, timeout_ms=300, max_records=2_000).items():
            for record in records:
                if record.key in self._households and record.value is not None:
                    found += 1
                    self._take(partition.topic, record.key, record.value)
        return found

    def _take(self, topic: str, key: bytes, value: bytes) -> None:
        if topic == DEAD_LETTERS:
            self._dead_letters += 1
        elif topic == HOUSEHOLDS:
            self._applied[key] = unpack(value).state.events
        else:
            decision = DECISION.decode(value)
            if self._values.setdefault(decision.event_id, value) != value:
                self._contradictions.add(decision.event_id)
            self.decisions.setdefault(decision.event_id, decision)
