"""A Faust transport with control over fetch waits, start offsets and broker health."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.kafka.delivery import (
    PRODUCER,
    REQUEST_SECONDS,
    DurableProducer,
    started_patiently,
)
from streams.kafka.reachable import broker_answers
from streams.kafka.topic_ids import NONE_KNOWN, Identities
from streams.worker.in_loop_consumer import InLoopConsumer

__all__ = [
    "Transport",
    "WorkerConsumer",
    "WorkerProducer",
    "ends_of",
    "silent_partitions",
    "worker_broker_answers",
]

logger = logging.getLogger(__name__)

#: Seconds after which a waiting fetch re-reads its set of partitions.
_LONGEST_FETCH = 0.2
#: Seconds between two checks of an idle fetcher.
_LOOK_AGAIN = 0.02
#: Records that are delivered before other tasks run; the same as Faust's own number.
_AT_A_TIME = 100


async def worker_broker_answers(app: Any) -> bool:
    """Return whether a broker answers the app's producer; true before the producer starts."""
    producer = app.producer._producer  # noqa: SLF001 - not public in Faust or aiokafka
    return producer is None or await broker_answers(producer.client)


def ends_of(app: Any, topics: Collection[str]) -> dict[tuple[str, int], tuple[int, int]]:
    """Return the committed offset at start and the last known end offset of assigned partitions."""
    consumer, found = app.consumer, {}
    for tp in consumer.assignment():
        if tp.topic in topics:
            with suppress(AssertionError, IllegalStateError):  # revoked in the meantime
                began = consumer._committed_offset.get(tp) or 0  # noqa: SLF001 - not public
                found[tp.topic, tp.partition] = (began, consumer.highwater(tp) or began)
    return found


def silent_partitions(app: Any, topics: Collection[str], since: float) -> list[str]:
    """Return the assigned partitions of ``topics`` without an answered fetch since ``since``.

    ``since`` is in seconds since the epoch.
    """
    consumer, silent = app.consumer, []
    for tp in consumer.assignment():
        if tp.topic in topics:
            with suppress(AssertionError, IllegalStateError):  # revoked in the meantime
                client = consumer._thread._ensure_consumer()  # noqa: SLF001 - not public
                if (client.last_poll_timestamp(TopicPartition(*tp)) or 0) < 1000 * since:
                    silent.append(f"{tp.topic} {tp.partition}")
    return sorted(silent)


class _ForEach(dict[TP, Callable[[], None]]):
    """A callback for each partition, always the same one: queues compare them."""

    def __init__(self, call: Callable[[TP], None]) -> None:
        super().__init__()
        self._call = call

    def __missing__(self, tp: TP) -> Callable[[], None]:
        self[tp] = partial(self._call, TP(*tp))  # aiokafka's own, equal tuple would fail later
        return self[tp]


class WorkerConsumer(driver.Consumer):
    """A consumer that loses no records in a rebalance, even before the first commit.

    Faust seeks back to committed offsets only, and drops records in two cases: those of a fetch
    whose partitions were paused while it waited, and those in its queues when it resumes flow
    control, which it does after resuming the partitions. Without a committed offset, dropped
    records are lost. A changelog never has one: a fetch that is waiting when recovery seeks moves
    the position, and recovery waits forever for the dropped records.
    """

    _held: frozenset[Any] = frozenset()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._moving = asyncio.Lock()
        #: What a queue calls when it is nearly full, and when it has room again.
        self._full = _ForEach(self.on_buffer_full)
        self._drained = _ForEach(self.on_buffer_drop)

    def _new_consumer_thread(self) -> InLoopConsumer:
        return InLoopConsumer(self, loop=self.loop, beacon=self.beacon)

    async def on_stop(self) -> None:
        """Commit what is acknowledged, unless the consumer has stopped or no broker answers."""
        with suppress(TimeoutError, ConsumerStoppedError):
            async with asyncio.timeout(REQUEST_SECONDS):
                await super().on_stop()

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109 - Faust's own signature
        """Deliver what was fetched; yield only records that Faust has to deliver itself.

        Faust makes four tasks for each record, to be interrupted while a queue is full.
        """
        delivered = 0
        async for tp, message in super().getmany(timeout):
            if self._deliver(tp, message):
                delivered += 1
                if delivered % _AT_A_TIME == 0:
                    await asyncio.sleep(0)
            else:
                yield tp, message

    def _deliver(self, tp: TP, message: Any) -> bool:
        """Put a record into its agents' queues if it can be done at once; return whether it was.

        The first record after a seek, and one after a gap, are left to Faust, which keeps account
        of gaps.
        """
        app: Any = self.app
        channels = app.topics._tp_index.get(tp)  # noqa: SLF001 - not public
        read = self._read_offset[tp]
        if read is None or message.offset != read + 1 or not channels:
            return False
        if self.suspend_flow.is_set() or not app.flow_control.is_active():
            return False
        if any(channel.queue.full() for channel in channels):
            return False
        message.incref(len(channels))
        event = app.create_event(message.key, message.value, message.headers, message)
        for channel in channels:
            channel.queue.put_nowait_enhanced(
                event, on_pressure_high=self._full[tp], on_pressure_drop=self._drained[tp]
            )
        self._read_offset[tp] = message.offset
        return True

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's own signature
        # Faust would sleep for a second here, which would delay the first records by as much.
        while not (self.flow_active and self._get_active_partitions()) and not self.should_stop:  # noqa: ASYNC110 - no event
            await asyncio.sleep(_LOOK_AGAIN)
        return await super()._wait_next_records(timeout)

    async def _getmany(self, active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's own signature
        # A pause empties Faust's own set, and aiokafka treats an empty set as all partitions.
        asked = None if active_partitions is None else set(active_partitions)
        async with self._moving:
            return await super()._getmany(asked, min(timeout, _LONGEST_FETCH))

    async def seek_wait(self, partitions: Any) -> None:
        """Seek once no fetch is running."""
        async with self._moving:
            await super().seek_wait(partitions)

    async def perform_seek(self) -> None:
        """Seek to the committed offsets, or to the beginning, once no fetch is running."""
        async with self._moving:
            await self._seek_to_committed_or_beginning()

    async def _seek_to_committed_or_beginning(self) -> None:
        await super().perform_seek()
        uncommitted = [
            TopicPartition(*tp)
            for tp in self._stream_partitions(self.assignment())
            if not self._committed_offset.get(tp)
        ]
        if uncommitted:
            with suppress(IllegalStateError):  # revoked: its next owner seeks
                await self._thread.seek_to_beginning(*uncommitted)

    def resume_partitions(self, tps: Any) -> None:
        """Resume the changelog; streams follow with flow control."""
        self._held = frozenset(self._stream_partitions(tps))
        super().resume_partitions(set(tps) - self._held)

    def resume_flow(self) -> None:
        """Resume flow control, which empties the queues, and then the streams."""
        super().resume_flow()
        held, self._held = self._held, frozenset()
        super().resume_partitions(held)

    def _new_offset(self, tp: Any) -> int | None:
        """Return the offset to commit, but not beyond a record that the worker must read again.

        Faust would commit past a single record that is not acknowledged.
        """
        transport: Any = self.transport
        limit = transport.uncommitted(tp.topic, tp.partition)
        if limit is None:
            return super()._new_offset(tp)
        acknowledged = self._acked[tp]
        later = [offset for offset in acknowledged if offset >= limit]
        acknowledged[:] = [offset for offset in acknowledged if offset < limit]
        try:
            return super()._new_offset(tp)
        finally:
            acknowledged.extend(later)

    def _stream_partitions(self, tps: Any) -> list[Any]:
        return [tp for tp in tps if not self._is_changelog_tp(tp)]


class _PatientProducer(DurableProducer):
    """A producer whose worker starts while the brokers do not answer."""

    async def start(self) -> None:
        """Connect as soon as a broker answers."""
        await started_patiently(super().start)


class WorkerProducer(driver.Producer):
    """Faust's producer with the settings of every producer (``streams/kafka/delivery.py``)."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return PRODUCER

    @property
    def _producer_type(self) -> type[_PatientProducer]:
        return _PatientProducer

    async def send(  # noqa: PLR0917 - Faust's signature
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> Any:
        """Send a record without Faust's signal for each record, which nothing here receives."""
        if timestamp is not None or transactional_id is not None:
            raise NotImplementedError("the broker sets the time, and there are no transactions")
        return await self._ensure_producer().send(topic, value, key, partition, None, headers)


class Transport(driver.Transport):
    """Faust's Kafka transport with a consumer that seeks before it reads.

    Args:
        app: the Faust app.
        fetch_max_wait: seconds for which a fetch waits for data. Faust 0.15 waits 1.5 s, which
            would delay every event on a broker that does not wake waiting fetches (tansu).
        identities: the ids of the topics that are read.
    """

    Consumer = WorkerConsumer
    Producer = WorkerProducer

    def __init__(
        self, app: Any, fetch_max_wait: float, identities: Identities = NONE_KNOWN
    ) -> None:
        super().__init__(app.conf.broker_consumer, app, loop=app.loop)
        self.fetch_max_wait = fetch_max_wait
        self.identities = identities
        #: Whether the recovered households of a partition have marks of an earlier topic of that
        #: name only.
        self.only_earlier: Callable[[str, int], bool] = lambda _topic, _partition: False
        #: The offset that commits of a partition must not go beyond, if there is one.
        self.uncommitted: Callable[[str, int], int | None] = lambda _topic, _partition: None
