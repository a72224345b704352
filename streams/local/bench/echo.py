"""The baseline for the worker: echoes records with aiokafka alone, or with an empty Faust agent.

``python -m streams.local.bench.echo aiokafka|faust BROKER FETCH_MAX_WAIT REQUESTS ANSWERS``
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from typing import Any

import faust
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.wire.records import CORRELATION_ID, header
from streams.worker.faust_transport import Transport

__all__ = ["main"]


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


def _faust(broker: str, fetch_max_wait: float, requests: str, answers: str) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = faust.App(
        "misfire-bench",
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
        stream_wait_empty=False,
    )
    app.transport = Transport(app, fetch_max_wait)

    @app.agent(app.topic(requests))
    async def echo(stream: Any) -> None:
        async for event in stream.events():
            headers = event.message.headers
            correlation = header(dict(headers or {}), CORRELATION_ID) or b""
            await app.producer.send(
                answers, None, event.message.value, 0, None, [(CORRELATION_ID, correlation)]
            )

    worker = faust.Worker(app, loglevel="info", loop=loop, redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()


def main(arguments: list[str]) -> None:
    """Echo until a signal ends the process."""
    kind, broker, fetch_max_wait, requests, answers = arguments
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    if kind == "faust":
        _faust(broker, float(fetch_max_wait), requests, answers)
    else:
        asyncio.run(_aiokafka(broker, float(fetch_max_wait), requests, answers))


if __name__ == "__main__":
    main(sys.argv[1:])
