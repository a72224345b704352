"""The worker's Kafka consumer, in the worker's own event loop.

Offsets are committed with their topic's id as metadata, because an offset is meaningless in a topic
that was deleted and created again. The embedded broker drops this metadata; there, the recovered
households show which topic their records came from.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from aiokafka import OffsetAndMetadata, TopicPartition
from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.utils.futures import maybe_async

from streams.kafka.delivery import REQUEST_SECONDS, started_patiently
from streams.kafka.fetching import lengthen_fetches
from streams.kafka.request_timeouts import shorten_timeouts
from streams.kafka.topic_ids import Identities, is_stale

__all__ = ["InLoopConsumer"]

logger = logging.getLogger(__name__)

#: Milliseconds for which a fetch waits if it only reads a partition's end offset.
_SHORT_FETCH_MS = 10
#: Seconds between two checks of an idle fetcher.
_LOOK_AGAIN = 0.02


async def _commit_with_ids(
    commit: Callable[..., Awaitable[None]], identities: Identities, offsets: Mapping[Any, Any]
) -> None:
    await commit(
        {tp: OffsetAndMetadata(at.offset, identities.of(tp.topic)) for tp, at in offsets.items()}
    )


def _limit_waiting(consumer: Any, fetch_max_wait: float) -> None:
    """Give up a broker that does not answer, however long a rebalance may take."""
    shorten_timeouts(consumer._client, REQUEST_SECONDS + fetch_max_wait)  # noqa: SLF001 - not public


async def _started(consumer: Any, start: Callable[[], Awaitable[None]]) -> None:
    await started_patiently(start)
    lengthen_fetches(consumer)


class _SameLoop:
    """Stands in for the thread of a consumer: it serves in the loop of the worker.

    Args:
        service: the consumer.
    """

    def __init__(self, service: Any) -> None:
        self._service = service
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to serve."""
        self._task = self._service.thread_loop.create_task(self._service._serve())  # noqa: SLF001 - as mode's thread does
        self._task.add_done_callback(self._ended)

    def stop(self) -> None:
        """Return at once: the service has stopped when this is called."""

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Let the service stop after an error, and log the error if it has not crashed with it."""
        self._service.set_shutdown()
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._service.crashed:
            logger.error("the consumer did not stop in order", exc_info=error)


class InLoopConsumer(driver.AIOKafkaConsumerThread):
    """Faust's consumer without a thread of its own.

    Faust hands each fetch over between two event loops, in two threads that wait for each other's
    interpreter lock. Without that, an answer takes less time. Heartbeats stop with the worker's
    loop: its partitions move to another worker if it hangs for longer than ``session_timeout``.
    """

    Worker: Any = _SameLoop

    def __init__(self, consumer: Any, *, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(consumer, loop=loop, thread_loop=loop, **options)

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call a method of the consumer.

        Raises:
            ConsumerStoppedError: the consumer has stopped. aiokafka would retry a commit for ever.
        """
        if self._consumer is not None and self._consumer._closed:  # noqa: SLF001 - not public
            raise ConsumerStoppedError
        return await maybe_async(fun(*args, **options))

    async def _gather_remaining_tasks(self) -> None:
        """Leave the other tasks of the loop alone; mode would cancel them."""

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
        consumer = super()._create_consumer(loop)
        transport: Any = self.consumer.transport
        consumer._fetch_max_wait_ms = int(transport.fetch_max_wait * 1000)  # noqa: SLF001 - read at the start only
        _limit_waiting(consumer, transport.fetch_max_wait)
        consumer.start = partial(_started, consumer, consumer.start)
        consumer.commit = partial(_commit_with_ids, consumer.commit, transport.identities)
        return consumer

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Report a stream that is not processed.

        Faust would report the changelog as well, once a second after five minutes: nothing is read
        there after recovery.
        """
        if not self.consumer._is_changelog_tp(tp):  # noqa: SLF001 - not public
            super().verify_event_path(now, tp)

    async def seek_to_committed(self) -> Any:
        """Seek to the committed offsets; ignore those of an earlier topic of the same name."""
        offsets: dict[Any, int | None] = dict(await super().seek_to_committed())
        committed = await self.call_thread(self._committed, list(offsets))
        transport: Any = self.consumer.transport
        for tp, place in committed.items():
            await asyncio.sleep(0)  # a look at all households of a partition can take a second
            stale = is_stale(place.metadata, transport.identities.of(tp.topic))
            if stale or (not place.metadata and transport.only_earlier(tp.topic, tp.partition)):
                logger.warning("%s was recreated; reading partition %d from the beginning", *tp)
                offsets[tp] = None
        return offsets

    async def _committed(self, partitions: list[Any]) -> dict[Any, Any]:
        coordinator = self._ensure_consumer()._coordinator  # noqa: SLF001 - the public method omits the metadata
        found: dict[Any, Any] = await coordinator.fetch_committed_offsets(partitions)
        return found

    async def _highwaters(self, partitions: Any) -> dict[TP, int]:
        """Return the end offsets of partitions, as fetch responses report them.

        The embedded broker (tansu) answers ListOffsets with an offset inside the last batch, so
        recovery would skip the rest of that batch and the worker would decide events twice. Fetch
        responses are right on all brokers.
        """
        ends = dict(await super()._highwaters(partitions))
        begun = {TopicPartition(*tp): end for tp, end in ends.items() if end}
        return ends | await self._fetched_highwaters(begun) if begun else ends

    async def _fetched_highwaters(self, ends: dict[Any, int]) -> dict[TP, int]:
        transport: Any = self.transport
        reader = self._create_client_consumer(transport)
        reader._fetch_max_wait_ms = _SHORT_FETCH_MS  # noqa: SLF001 - read at the start only
        _limit_waiting(reader, transport.fetch_max_wait)
        try:
            await reader.start()
            reader.assign([*ends])
            for tp, end in ends.items():
                reader.seek(tp, end)
            async with asyncio.timeout(self.app.conf.broker_request_timeout):
                while any(reader.highwater(tp) is None for tp in ends):  # noqa: ASYNC110 - no event
                    await asyncio.sleep(_LOOK_AGAIN)
            return {TP(*tp): max(end, reader.highwater(tp)) for tp, end in ends.items()}
        finally:
            await reader.stop()
