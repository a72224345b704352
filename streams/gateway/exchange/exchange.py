"""The road through the log: what is asked goes out in order, what is answered comes back by correlation id.

Whatever goes wrong on the way, the connection is made anew, for ever; a record that cannot be sent, or an answer that cannot be taken
in, is counted and passed over, so that it does not come again with the next connection.

The gateway reads one partition of ``assistant.replies`` without a consumer group: nobody has to rebalance before it hears an answer.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from streams.gateway.exchange.continuity import Continuity
from streams.gateway.exchange.outbox import Outbox, Outgoing
from streams.gateway.exchange.pulse import Pulse
from streams.kafka.connection import brokers_of
from streams.kafka.reachable import broker_answers
from streams.kafka.topics import INTENTS, REPLIES
from streams.settings import Settings
from streams.telemetry import metrics
from streams.wire.records import (
    ANSWERED_PARTITION,
    CORRELATION_ID,
    PROBE,
    PROBE_ANSWERED,
    Headers,
    header,
)

__all__ = ["Exchange", "Question", "Reply"]

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
#: As often as the worker looks whether a broker answers.
_LOOK_SECONDS = 1.0
#: Within so many seconds of a new connection the reply that was heard last has to come again.
_RESUME_SECONDS = 5.0
#: Seconds that a look at readiness waits for the answers to its probes, and between two looks. Orchestrators wait a second.
_PROBE_WAIT, _PROBE_LOOK = 0.6, 0.02
#: No topic has a million partitions.
_MOST_DIGITS = 6


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

    def was_stored(self) -> None:
        """Take in that the broker has it."""
        self.stored = True


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
        self._pulse = Pulse()
        self._partition = -1
        #: What this exchange's correlation ids begin with: several gateways listen to one partition.
        self._name = f"{uuid.uuid4().hex[:8]}-"
        self._waiting: dict[str, Question] = {}
        self._outbox = Outbox()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to connect, in the background."""
        self._task = asyncio.create_task(self._stay_connected())

    @property
    def _ending(self) -> bool:
        """Whether somebody ends the background work; a client of Kafka's that cancels its own work does not."""
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0

    async def stop(self) -> None:
        """Send what waits, if that is quick, and disconnect."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def send(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        """Put a record on its way, after those before it."""
        self._outbox.put(Outgoing(topic, key.encode(), value, headers))

    def ask(self, topic: str, key: str, value: bytes, headers: Headers) -> Question:
        """Put a record on its way and return what its reply will be found in."""
        question = Question(
            self._name + uuid.uuid4().hex, asyncio.get_running_loop().create_future()
        )
        self._waiting[question.correlation] = question
        self._outbox.put(
            Outgoing(topic, key.encode(), value, headers, question.correlation, question.was_stored)
        )
        return question

    def give_up(self, correlation: str) -> None:
        """Wait no longer for a reply; when it comes it is late."""
        self._waiting.pop(correlation, None)

    @property
    def running(self) -> bool:
        """Whether the work in the background has not ended, which it never should before ``stop``."""
        return self._task is None or not self._task.done()

    async def partitions_without_worker(self) -> list[int]:
        """Return the partitions of the intents from which no worker answered lately. Probes them first, and waits a moment."""
        if not self.connected:
            return self._pulse.missing()
        for partition, probe in self._pulse.probes():
            headers = [("ce_type", PROBE.encode())]
            self._outbox.put(Outgoing(INTENTS, None, b"{}", headers, probe, partition=partition))
        give_up = time.monotonic() + _PROBE_WAIT
        while (missing := self._pulse.missing()) and time.monotonic() < give_up:  # noqa: ASYNC110 - a short look
            await asyncio.sleep(_PROBE_LOOK)
        return missing

    async def _stay_connected(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            clients: list[Any] = []
            try:
                producer, consumer = self._clients()
                clients += [consumer, producer]
                await producer.start()
                await consumer.start()
                await self._begin_listening(producer, consumer)
                self._tell(connected=True)
                pause = _FIRST_PAUSE
                logger.info(
                    "connected to %s, replies on partition %d",
                    self.settings.broker,
                    self._partition,
                )
                await self._run(producer, consumer)
            except (KafkaError, OSError) as error:
                metrics.CONNECTIONS_LOST.labels("kafka").inc()
                logger.warning(
                    "Kafka at %s: %s; trying again", self.settings.broker, type(error).__name__
                )
            except asyncio.CancelledError:
                if self._ending:
                    raise
                metrics.CONNECTIONS_LOST.labels("internal_error").inc()
                logger.warning(
                    "the connection to Kafka at %s was given up; trying again", self.settings.broker
                )
            except Exception:
                metrics.CONNECTIONS_LOST.labels("internal_error").inc()
                logger.exception(
                    "the connection to Kafka at %s failed; trying again", self.settings.broker
                )
            finally:
                self._tell(connected=False)
                for client in clients:
                    await self._stopped(client)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _stopped(self, client: Any) -> None:
        """Stop a client; where it cannot even do that, the next connection has clients of its own."""
        try:
            await client.stop()
        except asyncio.CancelledError:
            if self._ending:
                raise
        except Exception as error:  # noqa: BLE001 - nothing depends on it any more
            logger.debug("a client could not be stopped (%s)", type(error).__name__)

    def _tell(self, *, connected: bool) -> None:
        self.connected = connected
        if not connected:
            self._pulse.forget()
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
        self._pulse.follow(await producer.partitions_for(INTENTS))
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
        """See whether the broker is still there. While it is not nobody waits for an answer; what is asked goes out when it is back."""
        while True:
            self._tell(connected=await broker_answers(producer.client))
            self._pulse.follow(producer.client.cluster.partitions_for_topic(INTENTS) or ())
            await asyncio.sleep(_LOOK_SECONDS)

    async def _listen(self, consumer: Any) -> None:
        async for message in consumer:
            try:
                if self._continuity.hear(message):
                    self._take(message)
            except Exception:
                metrics.REPLIES_FAILED.inc()
                logger.exception("a reply at offset %d could not be taken in", message.offset)

    def _take(self, message: Any) -> None:
        """Hand a reply to whoever waits for it."""
        correlation = (header(message.headers, CORRELATION_ID) or b"").decode("ascii", "replace")
        kind = (header(message.headers, "ce_type") or b"").decode("ascii", "replace")
        partition = _partition_of(header(message.headers, ANSWERED_PARTITION))
        if kind == PROBE_ANSWERED:
            self._pulse.answered(partition, correlation)
            return
        if correlation and not correlation.startswith(self._name):
            return  # another gateway asked
        reply, question = Reply(kind, message.value or b""), self._waiting.pop(correlation, None)
        if question is None or question.reply.done():
            self._on_late(correlation, reply)
        else:
            self._pulse.heard(partition)
            question.reply.set_result(reply)


def _partition_of(text: bytes | None) -> int:
    """The partition that an answer names; -1 where it names none."""
    return int(text) if text and len(text) <= _MOST_DIGITS and text.isdigit() else -1
