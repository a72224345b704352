"""The exchange with clients that fail: it always reconnects, and skips what it cannot process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError

from streams.gateway.exchange import exchange as module
from streams.gateway.exchange import reconnecting
from streams.gateway.exchange.exchange import Exchange
from streams.gateway.exchange.replies import Reply
from streams.kafka.topics import INTENTS
from streams.settings import Settings
from streams.telemetry import metrics
from streams.wire.records import (
    ANSWERED_PARTITION,
    CORRELATION_ID,
    FIRST_LOGGED,
    PROBE,
    PROBE_ANSWERED,
    REPLY_PARTITION,
)


class Kafka:
    """A producer and a consumer in one.

    ``fail`` is called at every step with its name; ``answer`` makes replies to sent records.
    """

    def __init__(self) -> None:
        self.fail: Callable[[str], None] = lambda _: None
        self.answer: Callable[[dict[str, Any]], list[tuple[str, bytes]] | None] = lambda _: None
        self.sent: list[dict[str, Any]] = []
        self.starts = 0
        self._messages: asyncio.Queue[Any] = asyncio.Queue()
        self._offset = 0
        cluster = SimpleNamespace(partitions_for_topic=lambda _: {0, 1})
        self.client = SimpleNamespace(cluster=cluster, force_metadata_update=self.metadata)

    async def metadata(self) -> bool:
        self.fail("watch")
        return True

    async def start(self) -> None:
        self.starts += 1
        self.fail("start")

    async def stop(self) -> None:
        self.fail("stop")

    async def partitions_for(self, _: str) -> set[int]:
        return {0, 1}

    def assign(self, _: Any) -> None:
        pass

    def seek(self, *_: Any) -> None:
        pass

    async def seek_to_end(self) -> None:
        pass

    async def send(self, topic: str, value: bytes, **more: Any) -> asyncio.Future[None]:
        self.fail(f"send {value.decode()}")
        record = {"topic": topic, "value": value, **more, "headers": dict(more["headers"])}
        self.sent.append(record)
        if (headers := self.answer(record)) is not None:
            self.say(headers)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def say(self, headers: list[tuple[str, bytes]], value: bytes = b"") -> None:
        message = SimpleNamespace(
            partition=0, offset=self._offset, timestamp=0, headers=headers, value=value
        )
        self._offset += 1
        self._messages.put_nowait(message)

    async def __aiter__(self) -> AsyncIterator[Any]:
        while True:
            self.fail("listen")
            yield await self._messages.get()


class Failing:
    """Fails ``times`` times at one step."""

    def __init__(self, step: str, error: BaseException, times: int = 2) -> None:
        self.step, self.error, self.left = step, error, times

    def __call__(self, step: str) -> None:
        if step == self.step and self.left:
            self.left -= 1
            raise self.error


@pytest.fixture
async def made(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Exchange, Kafka, list[str]]]:
    monkeypatch.setattr(reconnecting, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(reconnecting, "_LONGEST_PAUSE", 0.001)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.001)
    kafka, late = Kafka(), list[str]()

    def on_late(correlation: str, _: Reply) -> None:
        if correlation.endswith("poison"):
            raise ZeroDivisionError
        late.append(correlation)

    exchange = Exchange(Settings(reply_partition=0), on_late)
    monkeypatch.setattr(exchange, "_clients", lambda: (kafka, kafka))
    yield exchange, kafka, late
    await exchange.stop()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - a few steps of the loop
            await asyncio.sleep(0.001)


Made = tuple[Exchange, Kafka, list[str]]


@pytest.mark.parametrize(
    "error",
    [
        KafkaConnectionError(),
        OSError(),
        ZeroDivisionError(),
        AssertionError(),
        asyncio.CancelledError(),
    ],
)
@pytest.mark.parametrize("step", ["start", "stop", "watch", "listen"])
async def test_the_exchange_reconnects_after_any_failure(
    made: Made, step: str, error: BaseException
) -> None:
    exchange, kafka, _ = made
    failing, breaking = Failing(step, error), Failing("watch", OSError(), 1)

    def fail(at: str) -> None:
        failing(at)
        if step == "stop":  # only a broken connection has something to stop
            breaking(at)

    kafka.fail = fail
    await exchange.start()

    await until(lambda: exchange.connected and kafka.starts > 2)

    assert exchange.running
    exchange.send(INTENTS, "h1", b"x", [])
    await until(lambda: kafka.sent)


async def test_a_record_that_cannot_be_sent_does_not_block_others(made: Made) -> None:
    exchange, kafka, _ = made
    before = metrics.SEND_FAILURES.labels(INTENTS)._value.get()
    for error in (MessageSizeTooLargeError(), ValueError(), AssertionError()):
        kafka.fail = Failing("send bad", error, 100)
        exchange.send(INTENTS, "h1", b"bad", [])
        exchange.send(INTENTS, "h1", b"good", [])
        await exchange.start()
        await until(lambda: [each["value"] for each in kafka.sent] == [b"good"])
        await exchange.stop()
        kafka.sent.clear()
    assert metrics.SEND_FAILURES.labels(INTENTS)._value.get() == before + 3


async def test_a_record_is_sent_again_after_a_broken_connection(made: Made) -> None:
    exchange, kafka, _ = made
    kafka.fail = Failing("send x", KafkaConnectionError())
    exchange.send(INTENTS, "h1", b"x", [])
    await exchange.start()
    await until(lambda: kafka.sent)
    assert len(kafka.sent) == 1


async def test_a_reply_that_cannot_be_processed_is_skipped(made: Made) -> None:
    exchange, kafka, late = made
    before = metrics.REPLIES_FAILED._value.get()
    await exchange.start()
    for each in ("poison", "good"):
        kafka.say([(CORRELATION_ID, f"{exchange._replies.name}{each}".encode())])
    await until(lambda: late)
    assert late == [f"{exchange._replies.name}good"]
    assert metrics.REPLIES_FAILED._value.get() == before + 1
    assert kafka.starts == 2  # one of the producer, one of the consumer


async def test_workers_are_ready_once_each_partition_has_answered_its_probe(made: Made) -> None:
    exchange, kafka, late = made
    await exchange.start()
    await until(lambda: exchange.connected)
    assert await exchange.partitions_without_worker() == [0, 1]
    assert [
        (each["partition"], each["key"], each["headers"]["ce_type"]) for each in kafka.sent
    ] == [
        (0, None, PROBE.encode()),
        (1, None, PROBE.encode()),
    ]
    assert {each["headers"][REPLY_PARTITION] for each in kafka.sent} == {b"0"}

    for each in kafka.sent:
        kafka.say(
            [
                (CORRELATION_ID, each["headers"][CORRELATION_ID]),
                ("ce_type", PROBE_ANSWERED.encode()),
                (ANSWERED_PARTITION, str(each["partition"]).encode()),
            ]
        )
    await until(lambda: not exchange._liveness.missing())
    assert await exchange.partitions_without_worker() == []
    assert len(kafka.sent) == 2
    assert not late


async def test_an_answer_to_an_event_shows_that_its_partition_has_a_worker(made: Made) -> None:
    exchange, kafka, _ = made
    kafka.answer = lambda record: [
        (CORRELATION_ID, record["headers"][CORRELATION_ID]),
        (ANSWERED_PARTITION, b"1"),
    ]
    await exchange.start()
    await until(lambda: exchange.connected)
    await exchange.request(INTENTS, "h1", b"x", []).reply
    assert exchange._liveness.missing() == [0]


async def test_workers_must_answer_again_after_a_lost_connection(made: Made) -> None:
    exchange, kafka, _ = made
    await exchange.start()
    await until(lambda: exchange.connected)
    exchange._liveness.record_answer(0)
    exchange._liveness.record_answer(1)
    kafka.fail = Failing("watch", OSError(), 1)
    await until(lambda: kafka.starts > 2 and exchange.connected)
    assert exchange._liveness.missing() == [0, 1]


async def test_the_exchange_reports_the_end_of_its_background_task(made: Made) -> None:
    exchange, _, _ = made
    await exchange.start()
    assert exchange._task is not None
    exchange._task.cancel()
    await asyncio.sleep(0.01)
    assert not exchange.running


async def test_replies_to_other_gateways_are_ignored_but_erasures_are_not(made: Made) -> None:
    exchange, kafka, late = made
    own = exchange.request(INTENTS, "h1", b"", []).correlation
    exchange.abandon(own)
    await exchange.start()
    await until(lambda: exchange.connected)
    for correlation in (b"somebody-else", own.encode()):
        kafka.say([("ce_type", b"x"), (CORRELATION_ID, correlation)])
    kafka.say([("ce_type", b"x")])
    await until(lambda: len(late) == 2)
    assert late == [own, ""]


async def test_a_buffered_record_has_its_acceptance_time(
    made: Made,
) -> None:
    """The worker needs it for events that were accepted before an erasure but sent after it."""
    exchange, kafka, _ = made
    began = time.time()
    exchange.send(INTENTS, "h1", b"x", [])
    exchange.request(INTENTS, "h1", b"y", [])
    accepted = time.time()
    await until(lambda: time.time() > accepted + 0.01)
    kafka.fail = Failing("send x", KafkaConnectionError())

    await exchange.start()
    await until(lambda: len(kafka.sent) == 2)

    said = [float(sent["headers"][FIRST_LOGGED]) for sent in kafka.sent]
    assert began - 0.001 < said[0] <= said[1] < accepted + 0.001
