from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock, patch

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, OffsetAndMetadata, TopicPartition
from aiokafka.errors import KafkaConnectionError
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from streams.kafka import delivery
from streams.kafka.topic_ids import Identities
from streams.kafka.topics import HOUSEHOLDS, INTENTS
from streams.settings import Settings
from streams.worker import in_loop_consumer
from streams.worker.app import build_app

STREAM, OTHER, CHANGELOG = TP(INTENTS, 0), TP(INTENTS, 1), TP(HOUSEHOLDS, 0)


@pytest.fixture
def consumer() -> Any:
    """The worker's consumer after a rebalance, with its partitions paused."""
    parts = build_app(Settings())
    app = parts.app
    app.tables._changelogs[HOUSEHOLDS] = parts.table
    consumer = app.consumer
    consumer._set_active_tps({STREAM, CHANGELOG})
    consumer.pause_partitions({STREAM, CHANGELOG})
    return consumer


def test_a_stream_is_read_only_after_flow_control_has_emptied_the_queues(consumer: Any) -> None:
    """Faust resumes, seeks, then resumes flow control, which drops the records fetched so far."""
    consumer.resume_partitions({STREAM})
    assert consumer._get_active_partitions() == set()

    consumer.resume_flow()

    assert consumer._get_active_partitions() == {STREAM}


def test_the_changelog_is_read_at_once(consumer: Any) -> None:
    consumer.resume_partitions({CHANGELOG})

    assert consumer._get_active_partitions() == {CHANGELOG}


def test_a_resume_before_the_last_rebalance_is_ignored(consumer: Any) -> None:
    consumer.resume_partitions({STREAM})
    consumer.resume_partitions({CHANGELOG})

    consumer.resume_flow()

    assert consumer._get_active_partitions() == {CHANGELOG}


def test_a_waiting_fetch_keeps_its_own_set_of_partitions(consumer: Any) -> None:
    """aiokafka treats an empty set as all partitions, and Faust drops what it did not request."""
    asked = {CHANGELOG}
    consumer._thread = AsyncMock()

    asyncio.run(consumer._getmany(asked, timeout=1.0))
    asked.clear()

    (partitions, seconds), _ = consumer._thread.getmany.await_args
    assert partitions == {CHANGELOG}
    assert seconds < 1.0


def test_a_resumed_partition_is_read_without_delay(consumer: Any) -> None:
    """Faust sleeps for a second when there is nothing to read."""
    consumer._thread = AsyncMock()
    consumer._thread.getmany.return_value = {CHANGELOG: ["record"]}

    async def both() -> Any:
        reading = asyncio.ensure_future(consumer._wait_next_records(timeout=1.0))
        await asyncio.sleep(0)
        consumer.resume_flow()
        consumer.resume_partitions({CHANGELOG})
        return await asyncio.wait_for(reading, timeout=0.5)

    records, _ = asyncio.run(both())

    assert records == {CHANGELOG: ["record"]}


@pytest.mark.parametrize("seek", ["recovery", "streams"])
def test_a_seek_waits_for_a_running_fetch(consumer: Any, seek: str) -> None:
    """The records of such a fetch are dropped, and it would move the position after the seek."""
    thread = consumer._thread = AsyncMock()
    thread.assignment = Mock(return_value=set())
    order: list[str] = []

    async def fetch(*_: Any) -> dict[Any, Any]:
        await asyncio.sleep(0.01)
        order.append("fetched")
        return {}

    async def sought(*_: Any) -> dict[Any, Any]:
        order.append("sought")
        return {}

    thread.getmany, thread.seek_wait, thread.seek_to_committed = fetch, sought, sought

    async def both() -> None:
        waiting = asyncio.ensure_future(consumer._getmany({CHANGELOG}, timeout=1.0))
        await asyncio.sleep(0)
        await (
            consumer.seek_wait({CHANGELOG: 0}) if seek == "recovery" else consumer.perform_seek()
        )
        await waiting

    asyncio.run(both())

    assert order == ["fetched", "sought"]


def test_without_a_committed_offset_it_seeks_to_the_beginning(consumer: Any) -> None:
    thread = consumer._thread = AsyncMock()
    thread.assignment = Mock(return_value={STREAM, OTHER, CHANGELOG})
    thread.seek_to_committed.return_value = {STREAM: None, OTHER: 7, CHANGELOG: None}

    asyncio.run(consumer.perform_seek())

    thread.seek_to_beginning.assert_awaited_once_with(TopicPartition(INTENTS, 0))


@pytest.mark.parametrize(
    ("metadata", "only_earlier", "begins"),
    [("1", True, 7), ("2", False, None), ("", True, None), (None, True, None), (None, False, 7)],
)
def test_an_offset_of_an_earlier_topic_counts_as_not_committed(
    consumer: Any,
    monkeypatch: pytest.MonkeyPatch,
    metadata: str | None,
    only_earlier: bool,
    begins: int | None,
) -> None:
    """Recognised by the id committed with the offset, or by the recovered households."""
    transport = consumer.transport
    transport.identities = Identities({INTENTS: "1"}, {INTENTS: 4})
    transport.only_earlier = lambda topic, partition: only_earlier and (topic, partition) == STREAM
    thread = consumer._thread
    monkeypatch.setattr(
        AIOKafkaConsumerThread, "seek_to_committed", AsyncMock(return_value={STREAM: 7})
    )
    thread.call_thread = AsyncMock(return_value={STREAM: OffsetAndMetadata(7, metadata)})

    assert asyncio.run(thread.seek_to_committed()) == {STREAM: begins}


@pytest.mark.parametrize("held", [10, 12, 14])
def test_nothing_is_committed_beyond_a_record_that_must_be_read_again(
    consumer: Any, held: int
) -> None:
    """Faust alone commits past a single record that is not acknowledged."""
    limit: list[int | None] = [held]
    consumer.transport.uncommitted = lambda topic, number: (
        limit[0] if (topic, number) == STREAM else None
    )
    consumer._committed_offset[STREAM] = 10
    consumer._acked[STREAM] = [10, 11, 12, 13]

    assert consumer._new_offset(STREAM) == (None if held == 10 else held)
    consumer._committed_offset[STREAM] = held
    assert consumer._new_offset(STREAM) is None

    limit[0] = None
    assert consumer._new_offset(STREAM) == (14 if held < 14 else None)


def test_the_changelog_is_not_reported_as_a_stream_without_progress(consumer: Any) -> None:
    """Nothing is read there after recovery; Faust logged two errors a second from then on."""
    verified: list[TP] = []
    with patch.object(
        AIOKafkaConsumerThread, "verify_event_path", lambda _, __, tp: verified.append(tp)
    ):
        for tp in (STREAM, CHANGELOG):
            consumer._thread.verify_event_path(0.0, tp)

    assert verified == [STREAM]


@pytest.mark.parametrize("kind", [AIOKafkaProducer, AIOKafkaConsumer])
async def test_the_workers_clients_start_as_soon_as_a_broker_answers(
    kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that hangs while a worker starts must not stop it."""
    monkeypatch.setattr(delivery, "_PAUSE_SECONDS", 0.0)
    start = AsyncMock(side_effect=[KafkaConnectionError, KafkaConnectionError, None])
    monkeypatch.setattr(kind, "start", start)
    monkeypatch.setattr(in_loop_consumer, "lengthen_fetches", lambda _: None)
    app = build_app(Settings()).app
    if kind is AIOKafkaProducer:
        client = app.transport.create_producer()._new_producer()
    else:
        thread = app.consumer._new_consumer_thread()
        client = thread._create_consumer(asyncio.get_running_loop())

    await client.start()
    await client.stop()

    assert start.await_count == 3


class Queue(asyncio.Queue[Any]):
    """A queue as Faust's: it may be filled beyond its size, and says when it is nearly full."""

    def put_nowait_enhanced(
        self, value: Any, *, on_pressure_high: Any, on_pressure_drop: Any
    ) -> None:
        self.put_nowait(value)
        self.pressure = on_pressure_high, on_pressure_drop


def message(offset: int) -> Any:
    found = ConsumerMessage(INTENTS, 0, offset, 0.0, 1, [], b"h1", b"{}", None, tp=STREAM)
    found.generation_id = 1
    return found


@pytest.fixture
def queue(consumer: Any) -> Queue:
    """The queue of the agent of intents, whose last record was the one at offset 6."""
    found = Queue(2)
    consumer.app.topics._tp_index[STREAM] = [SimpleNamespace(queue=found)]
    consumer.app.flow_control.resume()
    consumer._read_offset[STREAM] = 6
    return found


def test_a_record_is_delivered_without_tasks(consumer: Any, queue: Queue) -> None:
    delivered = message(7)

    assert consumer._deliver(STREAM, delivered)

    event = queue.get_nowait()
    assert (event.message, event.key, event.value) == (delivered, b"h1", b"{}")
    assert delivered.refcount == 1
    assert consumer._read_offset[STREAM] == 7


def test_a_queue_that_is_nearly_full_pauses_its_partition_until_there_is_room(
    consumer: Any, queue: Queue
) -> None:
    consumer._set_active_tps({STREAM})
    fetched = TopicPartition(*STREAM)  # aiokafka's own class; Faust refuses it
    consumer._deliver(fetched, message(7))
    high, drop = queue.pressure
    consumer._deliver(fetched, message(8))
    assert queue.pressure == (high, drop)  # Faust's queues compare them

    high()
    assert STREAM not in consumer._get_active_partitions()
    drop()
    assert STREAM in consumer._get_active_partitions()


@pytest.mark.parametrize(
    "why", ["first", "gap", "again", "full", "suspended", "stopped", "no agent"]
)
def test_faust_delivers_what_has_to_wait_or_needs_its_account(
    consumer: Any, queue: Queue, why: str
) -> None:
    offset = {"gap": 8, "again": 6}.get(why, 7)
    if why == "first":
        consumer._read_offset[STREAM] = None
    elif why == "full":
        queue.put_nowait("one")
        queue.put_nowait("another")
    elif why == "suspended":
        consumer.app.flow_control.suspend()
    elif why == "stopped":
        consumer.suspend_flow.set()
    elif why == "no agent":
        consumer.app.topics._tp_index.clear()
    before, read = queue.qsize(), consumer._read_offset[STREAM]

    assert not consumer._deliver(STREAM, message(offset))

    assert queue.qsize() == before
    assert consumer._read_offset[STREAM] == read


async def test_a_fetch_yields_only_what_was_not_delivered(
    consumer: Any, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetched(*_: Any) -> Any:
        for offset in (7, 8, 9):
            yield STREAM, message(offset)

    monkeypatch.setattr(Consumer, "getmany", fetched)

    left = [found.offset async for _, found in consumer.getmany(timeout=1.0)]

    assert left == [9]
    assert [queue.get_nowait().message.offset for _ in range(2)] == [7, 8]


async def test_a_record_is_sent_without_a_signal_and_without_a_time(consumer: Any) -> None:
    producer = consumer.app.producer
    producer._producer = AsyncMock()

    await producer.send(INTENTS, b"h1", b"{}", None, None, [("a", b"b")])

    producer._producer.send.assert_awaited_once_with(
        INTENTS, b"{}", b"h1", None, None, [("a", b"b")]
    )
    with pytest.raises(NotImplementedError):
        await producer.send(INTENTS, b"h1", b"{}", None, 1.0, [])
