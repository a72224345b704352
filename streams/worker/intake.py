"""Reading of the streams: which records a worker handles itself, and which it forwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from streams.errors import RecordError
from streams.kafka.topic_ids import Identities
from streams.kafka.topics import CREATE_TIME
from streams.telemetry import metrics
from streams.wire.state.marks import partition_of
from streams.worker.app import Parts
from streams.worker.context import Context
from streams.worker.dead_letters import LARGEST_KEY, LARGEST_LETTER, size_of
from streams.worker.handling import Incoming, is_history
from streams.worker.lag import Lag

__all__ = ["Intake"]

#: Records that are handled in one turn. What they send leaves in one request, which costs about as
#: much as for one record. The first answer of a turn waits for the others, for some milliseconds.
_AT_A_TIME = 8


class Intake:
    """Passes the records of the worker's partitions to its agents.

    Args:
        parts: the Faust app.
        context: the states and the producer.
        identities: the ids of the topics that are read.
        on_error: called with an agent's name and its error. Faust would otherwise restart the agent
            at the same record forever.
        producer_time: accept record times set by producers; otherwise such records are counted.
    """

    def __init__(
        self,
        parts: Parts,
        context: Context,
        identities: Identities,
        on_error: Callable[[str, Exception], None],
        *,
        producer_time: bool,
    ) -> None:
        self.lag = Lag()
        self._app = parts.app
        self._context = context
        self._identities = identities
        self._on_error = on_error
        self._producer_time = producer_time

    async def each(
        self, stream: Any, name: str, handle: Callable[[Any, Incoming], Awaitable[None]]
    ) -> None:
        """Pass each record of a stream to an agent's handler.

        Args:
            stream: the stream of the agent's topic.
            name: the agent's name, for ``on_error``.
            handle: called with Faust's event and the record.
        """
        households = self._context.households
        try:
            async for first in stream.noack().events():
                async with households.working:
                    for event in (first, *_arrived(stream.channel.queue)):
                        if self._owns(event):
                            await self._take(event, handle)
        except Exception as error:
            self._on_error(name, error)
            raise

    async def _take(self, event: Any, handle: Callable[[Any, Incoming], Awaitable[None]]) -> None:
        households, record = self._context.households, self._incoming(event)
        if event.message.timestamp_type == CREATE_TIME and not self._producer_time:
            metrics.PRODUCER_TIMES.labels(record.topic).inc()
        households.taken += 1
        if is_history(record):
            await households.stage(event, [])
        elif not await self._forwarded(event, record):
            await handle(event, record)
        self.lag.worked_on(record.topic, record.partition, record.offset, record.timestamp)

    def _owns(self, event: Any) -> bool:
        """Return whether this worker still owns the record's partition.

        Otherwise Kafka delivers the record to the new owner.
        """
        app = self._app
        current: bool = event.message.generation_id == app.consumer_generation_id
        return current and bool(app.flow_control.is_active())

    async def _forwarded(self, event: Any, record: Incoming) -> bool:
        """Forward a record from a wrong partition to its household's; return whether it did.

        Such records come from producers with an outdated partition count or another partitioner. A
        household's state is kept and written only with its own partition.
        """
        if record.key is None or len(record.key) > LARGEST_KEY:
            return False  # not a household id: rejected below
        home = partition_of(record.key, self._context.sender.partitions)
        if home == record.partition:
            return False
        if size_of(record) > LARGEST_LETTER:
            text = (
                "the record is too large to be forwarded to its household's partition;"
                " produce with Kafka's default partitioner"
            )
            await self._context.refuse(event, record, RecordError("too_large", text))
            return True
        metrics.PASSED_ON.labels(record.topic).inc()
        sent = await self._context.sender.forward(record, home)
        await self._context.households.stage(event, [sent])
        return True

    def _incoming(self, event: Any) -> Incoming:
        message = event.message
        return Incoming(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            timestamp=message.timestamp,
            key=message.key,
            value=message.value,
            headers=list(message.headers.items())
            if isinstance(message.headers, dict)
            else list(message.headers or ()),
            topic_id=self._identities.of(message.topic),
        )


def _arrived(queue: Any) -> list[Any]:
    """Take the records that wait in a stream's queue, without the stream's work for each.

    Nothing waits for more records. Answers leave after each of these turns.
    """
    waiting = min(queue.qsize(), _AT_A_TIME - 1)
    return [queue.get_nowait() for _ in range(waiting)]
