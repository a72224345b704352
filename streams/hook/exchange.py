"""The road through the log: what is asked goes out in order, what is answered comes back by correlation id.

The gateway reads one partition of ``assistant.replies`` without a consumer group: nobody has to rebalance before it hears an answer.
"""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from streams import metrics
from streams.brokers import brokers_of
from streams.hook.continuity import Continuity
from streams.hook.shares import Places
from streams.reachable import broker_answers
from streams.records import CORRELATION_ID, REPLY_PARTITION, Headers, header
from streams.settings import Settings
from streams.tenancy import tenant_of
from streams.topics import REPLIES

__all__ = ["Exchange", "Question", "Reply"]

logger = logging.getLogger(__name__)

#: Records that wait for a broker that is away, half a minute of a busy gateway; beyond it the oldest is given up and counted.
_WAITING = 30_000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
#: As often as the worker looks whether a broker answers.
_LOOK_SECONDS = 1.0
#: Within so many seconds of a new connection the reply that was heard last has to come again.
_RESUME_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: its CloudEvents type and its value."""

    type: str
    value: bytes


@dataclass(slots=True)
class Question:
    """What was asked, by its correlation id: the reply to come, and whether the broker has the question."""

    correlation: str
    reply: asyncio.Future[Reply]
    stored: bool = False


@dataclass(frozen=True, slots=True)
class _Outgoing:
    topic: str
    key: bytes
    value: bytes
    headers: Headers
    question: Question | None = None


class Exchange:
    """Sends records and hands replies to whoever asked. Never blocks its caller; connects, and connects again, by itself.

    Args:
        settings: brokers and partition.
        on_late: called with (correlation id, reply) when nobody waits for the reply any more.
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
        self._on_late = on_late
        self._continuity = Continuity(on_gap)
        self._partition = -1
        #: What this exchange's correlation ids begin with: several gateways listen to one partition.
        self._name = f"{uuid.uuid4().hex[:8]}-"
        self._waiting: dict[str, Question] = {}
        self._outgoing: deque[_Outgoing] = deque()
        self._places = Places(_WAITING)
        self._filled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to connect, in the background."""
        self._task = asyncio.create_task(self._stay_connected())

    async def stop(self) -> None:
        """Send what waits, if that is quick, and disconnect."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def send(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        """Put a record on its way, after those before it."""
        self._put(_Outgoing(topic, key.encode(), value, headers))

    def ask(self, topic: str, key: str, value: bytes, headers: Headers) -> Question:
        """Put a record on its way and return what its reply will be found in."""
        question = Question(self._name + uuid.uuid4().hex, asyncio.get_running_loop().create_future())
        self._waiting[question.correlation] = question
        self._put(_Outgoing(topic, key.encode(), value, headers, question))
        return question

    def give_up(self, correlation: str) -> None:
        """Wait no longer for a reply; when it comes it is late."""
        self._waiting.pop(correlation, None)

    def _put(self, record: _Outgoing) -> None:
        owner = _owner(record)
        if len(self._outgoing) < _WAITING and not self._places.admits(*owner):
            # Its own record gives way: the broker is away, and one tenant or household fills all that waits.
            metrics.SEND_FAILURES.labels(record.topic).inc()
            return
        if len(self._outgoing) == _WAITING:
            metrics.SEND_FAILURES.labels(self._outgoing[0].topic).inc()
            self._take_off()
        self._outgoing.append(record)
        self._places.take(*owner)
        self._filled.set()

    def _take_off(self) -> None:
        self._places.leave(*_owner(self._outgoing.popleft()))

    async def _stay_connected(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            producer, consumer = self._clients()
            try:
                await producer.start()
                await consumer.start()
                await self._begin_listening(producer, consumer)
                self._tell(connected=True)
                pause = _FIRST_PAUSE
                logger.info("connected to %s, replies on partition %d", self.settings.broker, self._partition)
                await self._run(producer, consumer)
            except (KafkaError, OSError) as error:
                logger.warning("Kafka at %s: %s; trying again", self.settings.broker, type(error).__name__)
            finally:
                self._tell(connected=False)
                for client in (consumer, producer):
                    with suppress(KafkaError, OSError):
                        await client.stop()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _tell(self, *, connected: bool) -> None:
        self.connected = connected
        metrics.BROKER_REACHABLE.set(connected)

    def _clients(self) -> tuple[Any, Any]:
        producer = AIOKafkaProducer(**self._brokers.options, acks="all")
        consumer = AIOKafkaConsumer(
            **self._brokers.options,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            fetch_max_wait_ms=max(1, int(self.settings.fetch_max_wait * 1000)),
        )
        return producer, consumer

    async def _begin_listening(self, producer: Any, consumer: Any) -> None:
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
            asyncio.get_running_loop().call_later(_RESUME_SECONDS, self._continuity.give_up)

    async def _run(self, producer: Any, consumer: Any) -> None:
        """Send and listen until one of them fails."""
        working = (self._send_all(producer), self._listen(consumer), self._watch(producer))
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
        """See whether the broker is still there. While it is not nobody waits for an answer; what is asked goes out when it is back."""
        while True:
            self._tell(connected=await broker_answers(producer.client))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _send_all(self, producer: Any) -> None:
        while True:
            while self._outgoing:
                record = self._outgoing[0]
                headers = [*record.headers, *self._way_back(record.question)]
                sent = await producer.send(record.topic, record.value, key=record.key, headers=headers)
                sent.add_done_callback(partial(_sent, record))
                if self._outgoing and self._outgoing[0] is record:  # it may have given way meanwhile
                    self._take_off()
            self._filled.clear()
            await self._filled.wait()

    def _way_back(self, question: Question | None) -> Headers:
        """Where the reply is listened for: known only once there is a connection."""
        if question is None:
            return []
        return [
            (REPLY_PARTITION, str(self._partition).encode()),
            (CORRELATION_ID, question.correlation.encode()),
        ]

    async def _listen(self, consumer: Any) -> None:
        async for message in consumer:
            if not self._continuity.hear(message):
                continue
            correlation = (header(message.headers, CORRELATION_ID) or b"").decode("ascii", "replace")
            if correlation and not correlation.startswith(self._name):
                continue  # another gateway asked
            reply = Reply(
                (header(message.headers, "ce_type") or b"").decode("ascii", "replace"), message.value or b""
            )
            question = self._waiting.pop(correlation, None)
            if question is None or question.reply.done():
                self._on_late(correlation, reply)
            else:
                question.reply.set_result(reply)


def _owner(record: _Outgoing) -> tuple[str, str]:
    """The tenant and the household that a record is about."""
    household_id = record.key.decode()
    return tenant_of(household_id), household_id


def _sent(record: _Outgoing, acknowledged: asyncio.Future[Any]) -> None:
    if acknowledged.cancelled():
        return
    error = acknowledged.exception()
    if error is None and record.question is not None:
        record.question.stored = True
    elif error is not None:
        metrics.SEND_FAILURES.labels(record.topic).inc()
        logger.error("a record for %s was not accepted by Kafka: %s", record.topic, type(error).__name__)
