from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaProducer
from faust.types import TP

from streams.kafka.topics import HOUSEHOLDS
from streams.settings import Settings
from streams.worker.app import build_app
from tests.integration.kafka import Broker
from tests.integration.worker import prepare

BATCH = 7
WRITTEN, EMPTY = TP(HOUSEHOLDS, 0), TP(HOUSEHOLDS, 1)


def test_recovery_reads_the_whole_last_batch(broker: Broker) -> None:
    """The embedded broker's end offset lies inside a batch.

    A worker that stopped there would repeat decisions.
    """
    prepare(broker)

    ends = asyncio.run(_ends_after_a_batch(broker.bootstrap))

    assert ends == {WRITTEN: BATCH, EMPTY: 0}


async def _ends_after_a_batch(address: str) -> dict[TP, int]:
    producer = AIOKafkaProducer(bootstrap_servers=address)
    await producer.start()
    batch = producer.create_batch()
    for number in range(BATCH):
        batch.append(key=b"home", value=b"%d" % number, timestamp=None)
    await (await producer.send_batch(batch, HOUSEHOLDS, partition=WRITTEN.partition))
    await producer.stop()

    app = build_app(Settings(broker=address)).app
    thread = app.consumer._new_consumer_thread()
    thread._consumer = thread._create_client_consumer(app.transport)
    await thread._consumer.start()
    try:
        ends: dict[TP, int] = await thread._highwaters([WRITTEN, EMPTY])
        return ends
    finally:
        await thread._consumer.stop()
