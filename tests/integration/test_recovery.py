from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaProducer
from faust.types import TP

from streams.kafka.topics import HOUSEHOLDS
from streams.local.embedded_broker import EmbeddedBroker
from streams.settings import Settings
from streams.wire.state.marks import partition_of
from streams.wire.state.packing import unpack
from streams.worker.app import build_app
from tests.detector.builders import event
from tests.environments import ROOT
from tests.integration.kafka import Broker
from tests.integration.stream import bundle_on_disk
from tests.integration.worker import PARTITIONS, Worker, logs, prepare, producing, publish

STATE_OF_0_1_0 = ROOT / "tests" / "streams" / "wire" / "state" / "state_0_1_0.bin"

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


def test_a_worker_goes_on_from_a_state_of_version_0_1_0(
    embedded: EmbeddedBroker, tmp_path: Path
) -> None:
    before = unpack(STATE_OF_0_1_0.read_bytes()).state
    _, bundle = bundle_on_disk(tmp_path)
    prepare(embedded)
    key = before.household_id.encode()
    with producing(embedded) as producer:
        place = partition_of(key, PARTITIONS)
        producer.send(HOUSEHOLDS, STATE_OF_0_1_0.read_bytes(), key=key, partition=place)
    now = event(
        event_id="after-the-upgrade", household_id=before.household_id, time=datetime.now(UTC)
    )
    with logs(embedded) as log, Worker(embedded, bundle, tmp_path / "log") as worker:
        worker.wait_ready()
        publish(embedded, [now])

        after = log.applied(before.events + 1)[before.household_id].state

    assert after.events == before.events + 1
    assert after.learned >= before.learned
