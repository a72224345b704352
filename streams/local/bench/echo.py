"""The baselines for the worker: aiokafka alone, or an empty Faust agent.

``python -m streams.local.bench.echo aiokafka|faust|table BROKER FETCH_MAX_WAIT REQUESTS ANSWERS``

``aiokafka`` and ``faust`` echo records. ``table`` keeps the latest value of each key in a Faust
table whose changelog is ANSWERS.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from typing import Any

import faust
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.kafka.delivery import DurableProducer
from streams.wire.records import CORRELATION_ID, header
from streams.worker.faust_transport import Transport, WorkerConsumer, WorkerProducer

__all__ = ["main"]

#: Partitions of every topic, as ``Stack`` creates them.
_PARTITIONS = 8


class _PlainConsumer(WorkerConsumer):
    """Lets Faust deliver every record."""

    def _deliver(self, *_: Any) -> bool:
        return False


class _PlainAiokafka(DurableProducer):
    """Sends as aiokafka does, with a future for each record."""

    def _add(self, *_: Any) -> None:
        return None


class _PlainProducer(WorkerProducer):
    @property
    def _producer_type(self) -> type[DurableProducer]:
        return _PlainAiokafka


class _Plain(Transport):
    """The worker's transport without what the worker does faster than Faust and aiokafka."""

    Consumer = _PlainConsumer
    Producer = _PlainProducer


async def _aiokafka(broker: str, fetch_max_wait: float, requests: str, answers: str) -> None:
    producer: Any = AIOKafkaProducer(bootstrap_servers=broker, acks="all")
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=broker,
        group_id=None,
        fetch_max_wait_ms=max(1, int(1000 * fetch_max_wait)),
    )
    await producer.start()
    await consumer.start()
    consumer.assign(
        [
            TopicPartition(requests, number)
            for number in sorted(await producer.partitions_for(requests))
        ]
    )
    await consumer.seek_to_end()
    async for message in consumer:
        correlation = header(message.headers, CORRELATION_ID) or b""
        await producer.send(
            answers, message.value, partition=0, headers=[(CORRELATION_ID, correlation)]
        )


def _faust(broker: str, fetch_max_wait: float, requests: str, answers: str, *, table: bool) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = faust.App(
        f"misfire-bench-{'table' if table else 'echo'}",
        broker=f"kafka://{broker}",
        store="memory://",
        datadir=tempfile.gettempdir(),
        key_serializer="raw",
        value_serializer="raw",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.5,
        producer_linger=0,
        consumer_auto_offset_reset="earliest" if table else "latest",
        topic_partitions=_PARTITIONS,
        stream_wait_empty=False,
    )
    app.transport = _Plain(app, fetch_max_wait)
    if table:
        _keep_latest(app, requests, answers)
    else:
        _echo(app, requests, answers)
    worker = faust.Worker(app, loglevel="info", loop=loop, redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()


def _keep_latest(app: Any, requests: str, changelog: str) -> None:
    raw = {"key_serializer": "raw", "value_serializer": "raw", "partitions": _PARTITIONS}
    kept = app.Table("kept", partitions=_PARTITIONS, changelog_topic=app.topic(changelog, **raw))

    async def keep(stream: Any) -> None:
        async for event in stream.events():
            kept[event.message.key] = event.message.value

    app.agent(app.topic(requests))(keep)


def _echo(app: Any, requests: str, answers: str) -> None:
    async def echo(stream: Any) -> None:
        async for event in stream.events():
            headers = event.message.headers
            correlation = header(dict(headers or {}), CORRELATION_ID) or b""
            await app.producer.send(
                answers, None, event.message.value, 0, None, [(CORRELATION_ID, correlation)]
            )

    app.agent(app.topic(requests))(echo)


def main(arguments: list[str]) -> None:
    """Echo until a signal ends the process."""
    kind, broker, fetch_max_wait, requests, answers = arguments
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    if kind in ("faust", "table"):
        _faust(broker, float(fetch_max_wait), requests, answers, table=kind == "table")
    else:
        asyncio.run(_aiokafka(broker, float(fetch_max_wait), requests, answers))


if __name__ == "__main__":
    main(sys.argv[1:])
