"""A worker on a fake Kafka: streams made of lists, and a producer that rejects as the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Self

from detector.contracts.confirmations import ConfirmationAnswer
from detector.contracts.events import IntentEvent, Outcome
from detector.contracts.labels import Label
from detector.decision.bundle import Bundle
from streams.kafka.topic_ids import Identities
from streams.kafka.topics import HOUSEHOLDS, INTENTS, OUTCOMES
from streams.lifecycle.library import Library
from streams.wire.records import ANSWER, INTENT, LABEL, OUTCOME
from streams.wire.state.marks import Mark, partition_of
from streams.worker.agents import Worker
from streams.worker.app import Parts
from streams.worker.dead_letters import LARGEST_KEY
from streams.worker.deciding import Deciding
from tests.detector.builders import CONFIRMATION_KEY

PARTITIONS = 4
#: The topics as the worker finds them.
TOPICS_HERE = Identities({INTENTS: "11111111", OUTCOMES: "22222222"}, {})
#: Faust's default for its producer.
MAX_REQUEST_SIZE = 1_000_000


@dataclass
class Sent:
    """A record as the broker stores it."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None
    headers: list[tuple[str, bytes]]

    def header(self, name: str) -> bytes | None:
        """Return the value of a header."""
        return dict(self.headers).get(name)


@dataclass
class FakeKafka:
    """The records of the producer and the changelog, in order.

    ``hold`` withholds every acknowledgement; sending to the topic ``gone`` waits, as if it were
    missing.
    """

    records: list[Sent] = field(default_factory=list)
    held: list[asyncio.Future[None]] = field(default_factory=list)
    hold: bool = False
    gone: str = ""

    async def send(  # noqa: PLR0917 - the real one's signature
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: list[tuple[str, bytes]] | None,
    ) -> asyncio.Future[None]:
        """Behave as ``aiokafka.AIOKafkaProducer.send``; the future is the acknowledgement."""
        assert timestamp is None
        assert key is not None or value is not None, "Need at least one: key or value"
        size = len(key or b"") + len(value or b"") + sum(len(n) + len(v) for n, v in headers or ())
        assert size <= MAX_REQUEST_SIZE, "MessageSizeTooLargeError"
        assert partition is None or partition in range(PARTITIONS), "Unrecognized partition"
        while topic == self.gone:  # noqa: ASYNC110 - it polls as the real one does
            await asyncio.sleep(0)
        self.records.append(Sent(topic, key, value, partition, headers or []))
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.hold:
            self.held.append(acknowledged)
        else:
            acknowledged.set_result(None)
        return acknowledged

    def release(self) -> None:
        """Send the withheld acknowledgements."""
        self.hold = False
        for acknowledged in self.held:
            acknowledged.set_result(None)

    def on(self, topic: str) -> list[Sent]:
        """Return the records of a topic."""
        return [record for record in self.records if record.topic == topic]


class FakeTable:
    """The table and its changelog."""

    def __init__(self, kafka: FakeKafka) -> None:
        self.data: dict[bytes, bytes] = {}
        self._kafka = kafka

    async def send_state(
        self, partition: int, key: bytes, value: bytes, _: bytes
    ) -> asyncio.Future[None]:
        """Write a value to the changelog and acknowledge it at once."""
        self._kafka.records.append(Sent(HOUSEHOLDS, key, value, partition, []))
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        written.set_result(None)
        return written


def home_of(key: bytes | None) -> int:
    """Return the partition of a household's records; 0 for a key that is not a household's."""
    return 0 if key is None or len(key) > LARGEST_KEY else partition_of(key, PARTITIONS)


def intents_mark(offset: int, key: bytes = b"h1") -> Mark:
    """Return the position of a household's record in the intents topic."""
    return Mark(TOPICS_HERE.of(INTENTS), home_of(key), offset)


def outcomes_mark(offset: int, key: bytes = b"h1") -> Mark:
    """Return the position of a household's record in the outcomes topic."""
    return Mark(TOPICS_HERE.of(OUTCOMES), home_of(key), offset)


class FakeEvent:
    """A record of a stream, by default in its key's partition; ``acked`` after ``ack``."""

    def __init__(
        self,
        topic: str,
        offset: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        *,
        generation: int = 1,
        timestamp: float = 2e9,
        partition: int | None = None,
        timestamp_type: int = 1,
    ) -> None:
        if partition is None:
            partition = home_of(key)
        self.message = SimpleNamespace(
            topic=topic,
            partition=partition,
            offset=offset,
            timestamp=timestamp,
            key=key,
            value=value,
            headers=list(headers),
            generation_id=generation,
            timestamp_type=timestamp_type,
        )
        self.acked = False

    def ack(self) -> None:
        """Acknowledge the record."""
        self.acked = True


class FakeStream:
    """A stream of records; those in ``channel.queue`` have arrived, too."""

    def __init__(self, events: Sequence[FakeEvent]) -> None:
        self._events = events
        self.channel = SimpleNamespace(queue=asyncio.Queue[FakeEvent]())

    def noack(self) -> Self:
        """As Faust's."""
        return self

    async def events(self) -> AsyncIterator[FakeEvent]:
        """As Faust's."""
        for event in self._events:
            yield event


class Bench:
    """A worker on a fake Kafka. ``intents`` and ``outcomes`` return when all is written."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        confirmation_key: bytes | None = CONFIRMATION_KEY,
        identities: Identities = TOPICS_HERE,
    ) -> None:
        self.kafka = FakeKafka()
        self.table = FakeTable(self.kafka)
        self.active = True
        app = SimpleNamespace(
            producer=self.kafka,
            consumer_generation_id=1,
            conf=SimpleNamespace(topic_partitions=PARTITIONS),
            flow_control=SimpleNamespace(is_active=lambda: self.active),
        )
        self.failures: list[tuple[str, Exception]] = []
        parts = Parts(app=app, intents=None, outcomes=None, table=self.table)
        self.deciding = Deciding(Library(bundle), identities.of(INTENTS))
        self.worker = Worker(
            parts,
            self.deciding,
            lambda what, error: self.failures.append((what, error)),
            confirmation_key=confirmation_key,
            identities=identities,
        )

    async def intents(self, *events: FakeEvent) -> None:
        """Run records through the agent of intents."""
        await self.run(FakeStream(events))

    async def run(self, stream: FakeStream) -> None:
        """Run a stream through the agent of intents."""
        await self._run(self.worker.intents(stream))

    async def outcomes(self, *events: FakeEvent) -> None:
        """Run records through the agent of outcomes."""
        await self._run(self.worker.outcomes(FakeStream(events)))

    async def _run(self, agent: Any) -> None:
        writer = asyncio.create_task(self.worker.households.run())
        try:
            await agent
            households = self.worker.households
            await asyncio.wait_for(households._queue.join(), 5)
            assert households.taken == households.written
        finally:
            writer.cancel()


def intent_record(
    event: IntentEvent, offset: int, headers: Sequence[tuple[str, bytes]] = (), **more: Any
) -> FakeEvent:
    """Return an intent event's record; its log time is the event's time."""
    more.setdefault("timestamp", event.seconds)
    return FakeEvent(
        INTENTS, offset, event.household_id.encode(), INTENT.encode(event), headers, **more
    )


def outcome_record(
    outcome: Outcome, offset: int, headers: Sequence[tuple[str, bytes]] = (), **more: Any
) -> FakeEvent:
    """Return an outcome's record; its log time is the outcome's time."""
    more.setdefault("timestamp", outcome.time.timestamp())
    return FakeEvent(
        OUTCOMES, offset, outcome.household_id.encode(), OUTCOME.encode(outcome), headers, **more
    )


def answer_record(
    given: ConfirmationAnswer,
    offset: int,
    headers: Sequence[tuple[str, bytes]] = (),
    *,
    late: float = 0.0,
) -> FakeEvent:
    """Return an answer's record; its log time is ``late`` seconds after the answer."""
    return FakeEvent(
        OUTCOMES,
        offset,
        given.household_id.encode(),
        ANSWER.encode(given),
        [("ce_type", ANSWER.type.encode()), *headers],
        timestamp=given.time.timestamp() + late,
    )


def label_record(label: Label, offset: int, headers: Sequence[tuple[str, bytes]] = ()) -> FakeEvent:
    """Return a label's record; its log time is the label's time."""
    return FakeEvent(
        INTENTS,
        offset,
        label.household_id.encode(),
        LABEL.encode(label),
        [("ce_type", LABEL.type.encode()), *headers],
        timestamp=label.time.timestamp(),
    )
