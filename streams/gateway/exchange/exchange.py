"""Requests to the workers through Kafka: sent in order, answered by correlation id.

After any failure the exchange reconnects, without limit. A record that cannot be sent, or a reply
that cannot be processed, is counted and skipped, so it does not fail again on the next connection.

The gateway reads one partition of ``assistant.replies`` without a consumer group, so no rebalance
delays the first reply.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition

from streams.gateway.exchange.continuity import Continuity
from streams.gateway.exchange.outbox import Outbox, Outgoing
from streams.gateway.exchange.reconnecting import stay_connected
from streams.gateway.exchange.replies import PendingReplies, PendingRequest, Reply
from streams.gateway.exchange.worker_liveness import WorkerLiveness
from streams.kafka.connection import brokers_of
from streams.kafka.delivery import PRODUCER, REQUEST_SECONDS, DurableProducer
from streams.kafka.fetching import PatientConsumer
from streams.kafka.partitioner import partition_for
from streams.kafka.reachable import broker_answers
from streams.kafka.topics import INTENTS, REPLIES
from streams.settings import Settings
from streams.telemetry import metrics
from streams.wire.records import PROBE, Headers

__all__ = ["Exchange"]

logger = logging.getLogger(__name__)

#: Seconds between two checks of the broker; the worker uses the same interval.
_LOOK_SECONDS = 1.0
#: Seconds after a reconnect within which the last received reply must arrive again.
_RESUME_SECONDS = 5.0
#: Readiness: seconds to wait for answers to probes, and between two checks. Orchestrators commonly
#: wait for one second.
_PROBE_WAIT, _PROBE_LOOK = 0.6, 0.02


class Exchange:
    """Sends records and dispatches replies. It never blocks its caller, and reconnects by itself.

    Args:
        settings: brokers and reply partition.
        on_late: called with (correlation id, reply) for a reply that no request waits for.
        on_gap: called when replies may have been missed.
    """

    def __init__(
        self,
        settings: Settings,
        on_late: Callable[[str, Reply], None],
        on_gap: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.connected = False
        self._brokers = brokers_of(settings)
        self._continuity = Continuity(on_gap)
        self._liveness = WorkerLiveness()
        self._partition = -1
        self._replies = PendingReplies(on_late, self._liveness)
        self._outbox = Outbox()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to connect in the background."""
        self._task = asyncio.create_task(
            stay_connected(
                self.settings.broker,
                self._connection,
                lambda: self._set_connected(connected=False),
            )
        )

    async def stop(self) -> None:
        """Disconnect; the producer first flushes the records that it has accepted."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def send(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        """Queue a record."""
        self._outbox.put(Outgoing(topic, key.encode(), value, headers))

    def request(self, topic: str, key: str, value: bytes, headers: Headers) -> PendingRequest:
        """Queue a record and return its pending reply."""
        pending = self._replies.expect()
        self._outbox.put(
            Outgoing(topic, key.encode(), value, headers, pending.correlation, pending.mark_stored)
        )
        return pending

    def abandon(self, correlation: str) -> None:
        """Stop waiting for a reply; if it still arrives, it is late."""
        self._replies.abandon(correlation)

    @property
    def running(self) -> bool:
        """Whether the background task is alive, which it should be until ``stop``."""
        return self._task is None or not self._task.done()

    async def partitions_without_worker(self) -> list[int]:
        """Return the partitions of the intents without a recent answer from a worker.

        Partitions that need one are probed first, which takes a moment.
        """
        if not self.connected:
            return self._liveness.missing()
        for partition, probe in self._liveness.probes():
            headers = [("ce_type", PROBE.encode())]
            self._outbox.put(Outgoing(INTENTS, None, b"{}", headers, probe, partition=partition))
        give_up = time.monotonic() + _PROBE_WAIT
        while (missing := self._liveness.missing()) and time.monotonic() < give_up:  # noqa: ASYNC110
            await asyncio.sleep(_PROBE_LOOK)
        return missing

    async def _connection(self, clients: list[Any], connected: Callable[[], None]) -> None:
        """Connect, then send and receive until something fails."""
        producer, consumer = self._clients()
        clients += [consumer, producer]
        await producer.start()
        await consumer.start()
        await self._begin_listening(producer, consumer)
        self._set_connected(connected=True)
        connected()
        logger.info(
            "connected to %s, replies on partition %d", self.settings.broker, self._partition
        )
        await self._run(producer, consumer)

    def _set_connected(self, *, connected: bool) -> None:
        self.connected = connected
        if not connected:
            self._liveness.forget()
        metrics.BROKER_REACHABLE.set(connected)

    def _clients(self) -> tuple[Any, Any]:
        producer = DurableProducer(**self._brokers.options, **PRODUCER, partitioner=partition_for)
        consumer = PatientConsumer(
            **self._brokers.options,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            request_timeout_ms=int(1000 * (REQUEST_SECONDS + self.settings.fetch_max_wait)),
            fetch_max_wait_ms=max(1, int(self.settings.fetch_max_wait * 1000)),
        )
        return producer, consumer

    async def _begin_listening(self, producer: Any, consumer: Any) -> None:
        self._liveness.follow(await producer.partitions_for(INTENTS))
        partitions = sorted(await producer.partitions_for(REPLIES))
        chosen = self.settings.reply_partition
        if chosen is not None:
            self._partition = chosen
        elif self._partition not in partitions:
            self._partition = random.choice(partitions)
        listening = TopicPartition(REPLIES, self._partition)
        consumer.assign([listening])
        heard_last = self._continuity.begin(self._partition)
        if heard_last is None:
            await consumer.seek_to_end()
        else:
            consumer.seek(listening, heard_last)
            asyncio.get_running_loop().call_later(_RESUME_SECONDS, self._continuity.expire)

    async def _run(self, producer: Any, consumer: Any) -> None:
        """Send and receive until one of the tasks fails."""
        working = (
            self._outbox.send_all(producer, self._partition),
            self._listen(consumer),
            self._watch(producer),
        )
        tasks = [asyncio.create_task(work) for work in working]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, producer: Any) -> None:
        """Check regularly whether the broker responds.

        While it does not, requests do not wait for an answer; their records are sent later.
        """
        while True:
            self._set_connected(connected=await broker_answers(producer.client))
            self._liveness.follow(producer.client.cluster.partitions_for_topic(INTENTS) or ())
            await asyncio.sleep(_LOOK_SECONDS)

    async def _listen(self, consumer: Any) -> None:
        async for message in consumer:
            try:
                if self._continuity.receive(message):
                    self._replies.dispatch(message)
            except Exception:
                metrics.REPLIES_FAILED.inc()
                logger.exception("a reply at offset %d could not be processed", message.offset)
