from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from aiokafka import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from streams.kafka.topic_ids import Identities
from streams.kafka.topics import HOUSEHOLDS, INTENTS
from streams.settings import Settings
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
