"""A worker as a process, and the log as a test reads and writes it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.household.state import HouseholdState
from streams.kafka.connection import Brokers
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, HOUSEHOLDS, INTENTS, admin, create_topics
from streams.local.embedded_broker import EmbeddedBroker
from streams.local.processes import free_port
from streams.wire.records import DECISION, INTENT, PROBE
from streams.wire.state.packing import Stored, unpack
from tests.detector.builders import CONFIRMATION_KEY
from tests.integration.forked import start_misfire
from tests.integration.kafka import Broker

PARTITIONS = 4
#: Seconds after which something that has to happen has failed to.
PATIENCE = 60.0
#: What Faust logs when it has stopped everything, and before it waits for tasks that will not end.
_LEFT = "Gathering all futures"


class Worker:
    """``misfire worker`` for the length of a ``with`` block."""

    def __init__(self, broker: Broker, bundle: Path, log: Path, **variables: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = log
        self._command = ["worker", "--broker", broker.bootstrap]
        self._command += ["--bundle", str(bundle), "--port", self.url.rpartition(":")[2]]
        # The embedded broker holds a join for half the session time-out; Kafka takes none below 6 s.
        session = "3" if isinstance(broker, EmbeddedBroker) else "6"
        self._environment = os.environ | {
            "MISFIRE_PARTITIONS": str(PARTITIONS),
            "MISFIRE_FETCH_MAX_WAIT": "0.01",
            "MISFIRE_SESSION_TIMEOUT": session,
            "MISFIRE_PRODUCER_TIME": "true",
        }
        key = log.with_suffix(".key")
        key.write_bytes(CONFIRMATION_KEY)
        self._environment |= {"MISFIRE_CONFIRMATION_KEY_FILE": str(key)} | variables

    def __enter__(self) -> Self:
        self.process = start_misfire(*self._command, log=self.log, environment=self._environment)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ask it to end; once it has left its group and written everything, do not wait for its last two seconds."""
        if self.process.poll() is None:
            self.process.terminate()
            give_up = time.monotonic() + 10.0
            while self.process.poll() is None and time.monotonic() < give_up:
                if _LEFT in self._said():
                    break
                time.sleep(0.02)
        self.process.kill()
        self.process.wait()

    def ready(self) -> bool:
        """Whether it says so."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_ready(self) -> Self:
        """Wait until it is ready; fail with its log when it ends before."""
        until(lambda: self.ready() or self.process.poll() is not None, self._said)
        assert self.process.poll() is None, self._said()
        return self

    def restart(self, bundle: Path) -> None:
        """Stop it, and start it with another bundle."""
        self.__exit__(None, None, None)
        self._command[self._command.index("--bundle") + 1] = str(bundle)
        self.__enter__()

    def kill(self) -> None:
        """As the kernel does it when memory runs out."""
        self.process.kill()
        self.process.wait()

    def metric(self, name: str, **labels: str) -> float:
        """The value of one metric; 0.0 where it never moved."""
        from prometheus_client.parser import text_string_to_metric_families

        text = httpx.get(f"{self.url}/metrics", timeout=5).text
        samples = (
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        )
        return sum(
            s.value for s in samples if s.name == name and labels.items() <= s.labels.items()
        )

    def _said(self) -> str:
        return self.log.read_text("utf-8", "replace")[-3000:]


def until(true: Any, say: Any = lambda: "it never came true") -> None:
    """Wait for something that has to come true."""
    give_up = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < give_up, say()
        time.sleep(0.05)


def prepare(broker: Broker) -> None:
    """Create the topics, for events that keep their own time."""
    client = admin(Brokers(broker.bootstrap))
    create_topics(client, PARTITIONS, producer_time=True)
    client.close()


@contextmanager
def producing(broker: Broker) -> Iterator[KafkaProducer]:
    """A producer that has sent everything when the block ends."""
    producer = KafkaProducer(
        bootstrap_servers=broker.bootstrap, linger_ms=5, max_request_size=8_000_000
    )
    yield producer
    producer.flush()
    producer.close()


def publish(broker: Broker, events: Sequence[IntentEvent]) -> None:
    """Send events as a gateway does, each at its own time, without waiting for answers."""
    with producing(broker) as producer:
        for event in events:
            headers = INTENT.headers(event.event_id, event.time, source="test")
            producer.send(
                INTENTS,
                INTENT.encode(event),
                key=event.household_id.encode(),
                headers=headers,
                timestamp_ms=round(1000 * event.seconds),
            )


class Log:
    """Reads a topic from its beginning, as far as it has got; ``records`` grows with each ``read``."""

    def __init__(self, broker: Broker, topic: str) -> None:
        self.records: list[Any] = []
        self._consumer = KafkaConsumer(
            bootstrap_servers=broker.bootstrap,
            group_id=None,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=8_000_000,
        )
        self._partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        self._consumer.assign(self._partitions)
        self._consumer.seek_to_beginning()

    def read(self) -> list[Any]:
        """Take in what is there by now."""
        for records in self._consumer.poll(timeout_ms=100, max_records=5_000).values():
            self.records += records
        return self.records

    def read_to_end(self) -> list[Any]:
        """Take in everything up to where the topic ends at the time of the call.

        A poll that brings nothing says nothing about the end: the first ones only find the broker and the offsets. Nor does the
        end alone: the embedded broker tells one that is too low at times (``read_topic``). So it takes both.
        """
        ends = self._consumer.end_offsets(self._partitions)
        until(lambda: self._idle() and self._stands_at(ends), lambda: f"{ends} was not reached")
        return self.records

    def _idle(self) -> bool:
        """Whether a poll brought nothing."""
        held = len(self.records)
        return len(self.read()) == held

    def _stands_at(self, ends: dict[TopicPartition, int]) -> bool:
        return all(self._consumer.position(partition) >= end for partition, end in ends.items())

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()


@dataclass(frozen=True)
class Logs:
    """What the worker writes."""

    decisions: Log
    letters: Log
    households: Log

    def decided(self, count: int) -> list[Any]:
        """Wait for so many different decisions; return all records in the order of their partitions."""
        until(
            lambda: len({record.value for record in self.decisions.read()}) >= count,
            lambda: f"{len(self.decisions.records)} of {count} decisions",
        )
        return self.decisions.records

    def states(self) -> dict[str, Stored]:
        """The changelog as it is now: each household's last state."""
        ordered = sorted(
            self.households.read_to_end(), key=lambda record: (record.partition, record.offset)
        )
        return {record.key.decode(): unpack(record.value) for record in ordered}

    def applied(self, events: int) -> dict[str, Stored]:
        """Wait until the changelog's states hold so many events in sum; return the states."""
        until(
            lambda: sum(stored.state.events for stored in self.states().values()) >= events,
            lambda: (
                f"{sum(s.state.events for s in self.states().values())} of {events} events applied"
            ),
        )
        return self.states()


@contextmanager
def logs(broker: Broker) -> Iterator[Logs]:
    """Readers of what the worker writes."""
    with ExitStack() as stack:
        readers = [Log(broker, topic) for topic in (DECISIONS, DEAD_LETTERS, HOUSEHOLDS)]
        for reader in readers:
            stack.callback(reader.close)
        yield Logs(*readers)


def logged_at(broker: Broker) -> dict[str, float]:
    """When the log took each event in, in seconds: event id -> the record's time. A gateway's probes are no events."""
    log = Log(broker, INTENTS)
    probe = ("ce_type", PROBE.encode())
    records = [
        record for record in log.read_to_end() if record.value and probe not in record.headers
    ]
    log.close()
    return {INTENT.decode(record.value).event_id: record.timestamp / 1000 for record in records}


def pure(
    events: Sequence[IntentEvent], bundle: Bundle, at: Mapping[str, float] | None = None
) -> dict[str, bytes]:
    """What the core alone decides: event id -> the decision's bytes.

    ``at`` is when the log took each event in; where it is left out, the log has the events' own times.
    """
    states: dict[str, HouseholdState] = {}
    decided = {}
    for event in events:
        state = states.get(event.household_id) or HouseholdState.new(event.household_id)
        decision, states[event.household_id] = decide(
            state, event, bundle, at=event.seconds if at is None else at[event.event_id]
        )
        decided[event.event_id] = DECISION.encode(decision)
    return decided
