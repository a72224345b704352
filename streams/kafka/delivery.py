"""How records are sent and read so that none is lost: the settings of every client, in one place.

Each record is written once, in order, and acknowledged by all replicas in sync. Topics with three
replicas refuse a record that fewer than two of them would store (``topics.create_topics``).
kafka-python's producers send like this by default (KIP-679), for at most two minutes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, UnknownError, UnknownTopicOrPartitionError

__all__ = [
    "DELIVERY_SECONDS",
    "PRODUCER",
    "REQUEST_SECONDS",
    "DurableProducer",
    "started_patiently",
]

logger = logging.getLogger(__name__)

Headers = Sequence[tuple[str, bytes]]

#: Seconds until a request to a broker that does not answer fails and is sent again, to the
#: partition's new leader if there is one. Kafka replaces a leader that hangs after
#: ``broker.session.timeout.ms``, 9 s by default; aiokafka waits 40 s and Faust up to 20 minutes.
REQUEST_SECONDS = 3.0

#: Seconds for which a record waits for its topic, for room in a batch and for a leader, and on the
#: embedded broker also for an answer. aiokafka would give up after one request's timeout.
DELIVERY_SECONDS = 120.0

#: Seconds between two attempts to connect.
_PAUSE_SECONDS = 0.5

#: Options of the producers of worker and gateway. An idempotent producer sends a batch again until
#: it is stored or ``DELIVERY_SECONDS`` have passed without a leader, and the broker drops what it
#: has already stored. The limits are elsewhere: a gateway answers within each call's deadline, and
#: the worker's watchdog stops a worker that cannot write for 30 s.
PRODUCER: Mapping[str, Any] = MappingProxyType(
    {
        "acks": "all",
        "enable_idempotence": True,
        "request_timeout_ms": int(1000 * REQUEST_SECONDS),
        "retry_backoff_ms": 100,
    }
)


async def started_patiently(start: Callable[[], Awaitable[None]]) -> None:
    """Call a client's ``start`` again while no broker answers.

    Raises:
        KafkaConnectionError: no broker answered for ``DELIVERY_SECONDS``.
    """
    give_up = time.monotonic() + DELIVERY_SECONDS
    while True:
        try:
            return await start()
        except KafkaConnectionError:
            if time.monotonic() > give_up:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)


class DurableProducer(AIOKafkaProducer):  # type: ignore[misc] # aiokafka is untyped
    """A producer that is idempotent on every broker but the embedded one.

    The embedded broker (tansu) refuses aiokafka's request for a producer id. It never fails over,
    so a batch is not stored twice there.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._message_accumulator._batch_ttl = DELIVERY_SECONDS  # noqa: SLF001 - aiokafka has no public way
        # Only for waiting until a batch has room; the client has its own copy for requests.
        self._request_timeout_ms = int(1000 * DELIVERY_SECONDS)

    async def start(self) -> None:
        """Connect."""
        try:
            await super().start()
        except UnknownError:
            logger.info("the broker assigns no producer ids; records are sent without them")
            self._txn_manager = None
            self._sender._txn_manager = None  # noqa: SLF001 - aiokafka has no public way
            self._message_accumulator._txn_manager = None  # noqa: SLF001 - as above
            await super().start()

    async def send(  # noqa: PLR0917 - aiokafka's signature
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        headers: Headers | None = None,
    ) -> asyncio.Future[Any]:
        """Send a record; wait for a topic that was deleted and is created again.

        The acknowledgement that is returned belongs to the record's batch: its offset is that of
        the first record in the batch. Do not cancel it, the batch's other records wait for it, too.

        Raises:
            UnknownTopicOrPartitionError: the topic is still missing after ``DELIVERY_SECONDS``.
        """
        added = self._add(topic, value, key, partition, timestamp_ms, headers or [])
        if added is not None:
            return added
        give_up = time.monotonic() + DELIVERY_SECONDS
        while True:
            try:
                sent: asyncio.Future[Any] = await super().send(
                    topic, value, key, partition, timestamp_ms, headers
                )
            except UnknownTopicOrPartitionError:
                if time.monotonic() > give_up:
                    raise
            else:
                return sent

    def _add(  # noqa: PLR0917 - as ``send``
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int | None,
        timestamp_ms: int | None,
        headers: Headers,
    ) -> asyncio.Future[Any] | None:
        """Add a record to its partition's batch at once, and return the batch's acknowledgement.

        aiokafka's own way makes a future for each record and takes twice as long. Return ``None``
        if the record has to wait for its topic, for room in the batch, or for an error.
        """
        accumulator = self._message_accumulator
        closed = accumulator._closed or accumulator._exception is not None  # noqa: SLF001 - aiokafka has no public way, here and below
        if closed or self._metadata.partitions_for_topic(topic) is None:
            return None
        self._serialize(key, value, headers)  # checks the size
        tp = TopicPartition(topic, self._partition(topic, partition, key, value, key, value))
        waiting = accumulator._batches.get(tp)  # noqa: SLF001
        if waiting:
            batch = waiting[-1]
        else:
            batch = accumulator._append_batch(accumulator.create_builder(), tp)  # noqa: SLF001
        room = batch._builder.append(  # noqa: SLF001
            timestamp=timestamp_ms, key=key, value=value, headers=headers
        )
        if room is None:
            return None
        acknowledged: asyncio.Future[Any] = batch.future
        return acknowledged
