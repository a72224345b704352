from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import RecordMetadata

from streams.kafka import delivery
from streams.kafka.connection import Brokers
from streams.kafka.delivery import PRODUCER, DurableProducer, started_patiently
from streams.kafka.topics import INTENTS, admin, create_topics
from streams.local.embedded_broker import EmbeddedBroker
from streams.settings import Settings
from streams.worker.app import build_app


@contextmanager
def prepared_broker() -> Iterator[EmbeddedBroker]:
    """Yield a broker that has the topics, with one partition each."""
    with EmbeddedBroker() as broker:
        client = admin(Brokers(broker.bootstrap))
        create_topics(client, 1)
        client.close()
        yield broker


def test_the_workers_producer_is_idempotent() -> None:
    transport = build_app(Settings()).app.transport

    producer = transport.create_producer()

    assert producer._settings_extra() == PRODUCER
    assert PRODUCER["enable_idempotence"] is True
    assert PRODUCER["acks"] == "all"


def test_a_producer_sends_what_a_hung_broker_did_not_answer() -> None:
    """The embedded broker hangs for longer than a request may take."""

    async def send(broker: EmbeddedBroker) -> RecordMetadata:
        producer = DurableProducer(
            bootstrap_servers=broker.bootstrap, **{**PRODUCER, "request_timeout_ms": 300}
        )
        await producer.start()
        try:
            await producer.send_and_wait(INTENTS, b"{}", partition=0)
            assert broker.process is not None
            os.killpg(broker.process.pid, signal.SIGSTOP)
            try:
                sent = await producer.send(INTENTS, b"{}", partition=0)
                await asyncio.sleep(1.0)
            finally:
                os.killpg(broker.process.pid, signal.SIGCONT)
            return await sent
        finally:
            await producer.stop()

    with prepared_broker() as broker:
        assert asyncio.run(send(broker)).offset >= 1


async def test_a_client_starts_as_soon_as_a_broker_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The brokers hang for longer than a request may take."""
    monkeypatch.setattr(delivery, "_PAUSE_SECONDS", 0.0)
    start = mock.AsyncMock(side_effect=[KafkaConnectionError, KafkaConnectionError, None])

    await started_patiently(start)

    assert start.await_count == 3


async def test_a_client_that_no_broker_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "DELIVERY_SECONDS", -1.0)

    with pytest.raises(KafkaConnectionError):
        await started_patiently(mock.AsyncMock(side_effect=KafkaConnectionError))


async def test_a_record_waits_for_its_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing topic fails after a request's timeout, and the record is sent again."""
    missing = iter([True, True, False])

    sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def send(*_: object) -> asyncio.Future[None]:
        if next(missing):
            raise UnknownTopicOrPartitionError
        return sent

    monkeypatch.setattr(AIOKafkaProducer, "send", send)
    producer = DurableProducer(bootstrap_servers="127.0.0.1:9", **PRODUCER)
    try:
        assert await producer.send(INTENTS, b"{}") is sent
    finally:
        await producer.stop()


def test_records_of_a_batch_have_one_acknowledgement() -> None:
    async def send(broker: EmbeddedBroker) -> list[int]:
        producer = DurableProducer(bootstrap_servers=broker.bootstrap, **PRODUCER)
        await producer.start()
        try:
            await producer.send_and_wait(INTENTS, b"{}", partition=0)
            first = await producer.send(INTENTS, b"{}", b"h1", 0, None, [("a", b"b")])
            second = await producer.send(INTENTS, b"{}", b"h2", 0)
            assert first is second
            large = await producer.send(INTENTS, bytes(100_000), b"h3", 0)  # needs its own batch
            assert large is not first
            return [(await each).offset for each in (first, large)]
        finally:
            await producer.stop()

    with prepared_broker() as broker:
        assert asyncio.run(send(broker)) == [1, 3]


async def test_a_record_that_is_too_large_is_refused_at_once() -> None:
    producer = DurableProducer(bootstrap_servers="127.0.0.1:9", **PRODUCER)
    producer._metadata._partitions[INTENTS] = {0: None}
    try:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send(INTENTS, bytes(2_000_000), partition=0)
    finally:
        await producer.stop()


def test_the_producer_works_with_a_broker_that_assigns_no_producer_ids() -> None:
    async def send(address: str) -> RecordMetadata:
        producer = DurableProducer(bootstrap_servers=address, **PRODUCER)
        await producer.start()
        try:
            return await producer.send_and_wait(INTENTS, b"{}", partition=0)
        finally:
            await producer.stop()

    with prepared_broker() as broker:
        assert asyncio.run(send(broker.bootstrap)).offset == 0
