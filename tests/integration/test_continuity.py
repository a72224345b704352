from __future__ import annotations

import asyncio

from streams.gateway.exchange.exchange import Exchange
from streams.gateway.exchange.replies import Reply
from streams.kafka.topics import REPLIES
from streams.settings import Settings
from streams.wire.records import COMMAND
from tests.integration.kafka import ApacheKafka
from tests.integration.worker import prepare, producing


async def test_a_reconnected_gateway_receives_the_erasures_it_missed(
    apache_kafka: ApacheKafka,
) -> None:
    prepare(apache_kafka)
    heard: list[Reply] = []
    gaps: list[int] = []
    settings = Settings(broker=apache_kafka.bootstrap, reply_partition=1)
    exchange = Exchange(
        settings, lambda _, reply: heard.append(reply), lambda: gaps.append(len(heard))
    )

    def publish(*values: bytes) -> None:
        with producing(apache_kafka) as producer:
            for value in values:
                headers = [("ce_type", COMMAND.type.encode())]
                producer.send(REPLIES, value, partition=1, headers=headers).get(30)

    async def hears(*values: bytes) -> None:
        async with asyncio.timeout(30):
            while [reply.value for reply in heard] != list(values):  # noqa: ASYNC110 - Kafka's thread
                await asyncio.sleep(0.05)

    await exchange.start()
    async with asyncio.timeout(30):
        while not exchange.connected:  # noqa: ASYNC110 - a connection of its own
            await asyncio.sleep(0.05)
    await asyncio.to_thread(publish, b"first")
    await hears(b"first")
    await exchange.stop()

    await asyncio.to_thread(publish, b"missed", b"missed too")
    await exchange.start()
    await hears(b"first", b"missed", b"missed too")
    await asyncio.sleep(6)
    await exchange.stop()

    assert not gaps
    assert [reply.value for reply in heard] == [b"first", b"missed", b"missed too"]
