"""A worker process, and helpers that read and write its topics."""

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
from tests import loopback
from tests.detector.builders import CONFIRMATION_KEY
from tests.integration.forked import start_misfire
from tests.integration.kafka import Broker

PARTITIONS = 4
#: Seconds for which a fetch waits for records, as a setting. The embedded broker answers a waiting
#: fetch only at its end, and idle parts fetch all the time: at 10 ms they take 40 % of a core.
FETCH_MAX_WAIT = {"MISFIRE_FETCH_MAX_WAIT": "0.05"}
#: Seconds to wait for a condition before the test fails.
PATIENCE = 60.0
#: Faust logs this after it has stopped everything, before it waits for remaining tasks.
_LEFT = "Gathering all futures"


class Worker:
    """``misfire worker`` for a ``with`` block."""

    def __init__(self, broker: Broker, bundle: Path, log: Path, **variables: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = log
        self._command = ["worker", "--broker", broker.bootstrap]
        self._command += ["--bundle", str(bundle), "--port", self.url.rpartition(":")[2]]
        # The embedded broker delays a join by half the session timeout. Kafka's minimum is 6 s.
        session = "3" if isinstance(broker, EmbeddedBroker) else "6"
        self._environment = os.environ | {
            **FETCH_MAX_WAIT,
            "MISFIRE_PARTITIONS": str(PARTITIONS),
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
        """Stop the worker.

        Once it has left its group and written everything, kill it to save its last two seconds.
        """
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
        """Return whether the worker reports that it is ready."""
        try:
            return loopback.get(f"{self.url}/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def wait_ready(self) -> Self:
        """Wait until the worker is ready; fail with its log if it exits first."""
        until(lambda: self.ready() or self.process.poll() is not None, self._said)
        assert self.process.poll() is None, self._said()
        return self

    def restart(self, bundle: Path) -> None:
        """Restart the worker with another bundle."""
        self.__exit__(None, None, None)
        self._command[self._command.index("--bundle") + 1] = str(bundle)
        self.__enter__()

    def kill(self) -> None:
        """Kill the worker with SIGKILL."""
        self.process.kill()
        self.process.wait()

    def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric; 0.0 if it has no series."""
        from prometheus_client.parser import text_string_to_metric_families

        text = loopback.get(f"{self.url}/metrics").text
        # Parsing all metrics takes longer than all else here, and tests poll.
        own = "".join(line for line in text.splitlines(keepends=True) if line.startswith(name))
        samples = (
            sample for family in text_string_to_metric_families(own) for sample in family.samples
        )
        return sum(
            s.value for s in samples if s.name == name and labels.items() <= s.labels.items()
        )

    def _said(self) -> str:
        return self.log.read_text("utf-8", "replace")[-3000:]


def until(true: Any, say: Any = lambda: "the condition never became true") -> None:
    """Wait until a condition is true.

    Checks take at most a third of a core: some conditions connect to Kafka and read whole topics.
    """
    give_up = time.monotonic() + PATIENCE
    began = time.process_time()
    while not true():
        assert time.monotonic() < give_up, say()
        time.sleep(max(0.05, 2 * (time.process_time() - began)))
        began = time.process_time()


def prepare(broker: Broker) -> None:
    """Create the topics with the timestamps of producers."""
    client = admin(Brokers(broker.bootstrap))
    create_topics(client, PARTITIONS, producer_time=True)
    client.close()


@contextmanager
def producing(broker: Broker) -> Iterator[KafkaProducer]:
    """Yield a producer; flush it at the end of the block."""
    producer = KafkaProducer(
        bootstrap_servers=broker.bootstrap, linger_ms=5, max_request_size=8_000_000
    )
    yield producer
    producer.flush()
    producer.close()


def publish(broker: Broker, events: Sequence[IntentEvent]) -> None:
    """Send events with their own times, like a gateway that does not wait for replies."""
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
    """A reader of a topic from its beginning; each ``read`` extends ``records``."""

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
        """Read the records that are available."""
        for records in self._consumer.poll(timeout_ms=100, max_records=5_000).values():
            self.records += records
        return self.records

    def read_to_end(self) -> list[Any]:
        """Read up to the end that the topic has at the time of the call.

        An empty poll does not prove the end: the first polls only find the broker and the offsets.
        The end offset alone does not either: the embedded broker sometimes returns one that is too
        low (see ``read_topic``). Therefore both conditions must hold.
        """
        ends = self._consumer.end_offsets(self._partitions)
        until(lambda: self._idle() and self._has_reached(ends), lambda: f"{ends} was not reached")
        return self.records

    def _idle(self) -> bool:
        """Return whether a poll returned no records."""
        before = len(self.records)
        return len(self.read()) == before

    def _has_reached(self, ends: dict[TopicPartition, int]) -> bool:
        return all(self._consumer.position(partition) >= end for partition, end in ends.items())

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()


@dataclass(frozen=True)
class Logs:
    """Readers of the topics that the worker writes."""

    decisions: Log
    letters: Log
    households: Log

    def decided(self, count: int) -> list[Any]:
        """Wait for ``count`` distinct decisions; return all records in order of partition."""
        until(
            lambda: len({record.value for record in self.decisions.read()}) >= count,
            lambda: f"{len(self.decisions.records)} of {count} decisions",
        )
        return self.decisions.records

    def states(self) -> dict[str, Stored]:
        """Return the last state of each household in the changelog."""
        ordered = sorted(
            self.households.read_to_end(), key=lambda record: (record.partition, record.offset)
        )
        latest = {record.key: record.value for record in ordered}
        return {key.decode(): unpack(value) for key, value in latest.items()}

    def applied(self, events: int) -> dict[str, Stored]:
        """Wait until the states in the changelog contain ``events`` events; return the states."""
        until(
            lambda: sum(stored.state.events for stored in self.states().values()) >= events,
            lambda: (
                f"{sum(s.state.events for s in self.states().values())} of {events} events applied"
            ),
        )
        return self.states()


@contextmanager
def logs(broker: Broker) -> Iterator[Logs]:
    """Open readers of the topics that the worker writes."""
    with ExitStack() as stack:
        readers = [Log(broker, topic) for topic in (DECISIONS, DEAD_LETTERS, HOUSEHOLDS)]
        for reader in readers:
            stack.callback(reader.close)
        yield Logs(*readers)


def logged_at(broker: Broker) -> dict[str, float]:
    """Return the log time of each event in seconds, by event id.

    Probes of gateways are left out.
    """
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
    """Return the bytes of the pure core's decisions by event id.

    ``at`` contains the log time of each event; by default it is the event's own time.
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
