"""What Faust does not offer of its Kafka driver: how long a fetch waits for data, and whether a broker is still there."""

from __future__ import annotations

import asyncio
from typing import Any

from faust.transport.drivers import aiokafka as driver

__all__ = ["broker_answers", "transport_with_fetch_wait"]

#: A broker that takes longer for its metadata decides nothing in time either.
_ANSWER_SECONDS = 5.0


async def broker_answers(app: Any) -> bool:
    """Ask for the metadata again: Faust's consumer never tells that its broker is gone, and the app seems to wait for events."""
    client = app.producer._producer.client  # noqa: SLF001 - neither Faust nor aiokafka has a public way to it
    try:
        return bool(await asyncio.wait_for(client.force_metadata_update(), _ANSWER_SECONDS))
    except TimeoutError:
        return False


def transport_with_fetch_wait(app: Any, seconds: float) -> Any:
    """Return a transport for ``app`` whose fetches wait at most ``seconds``.

    Faust 0.15 waits 1.5 s; a broker that does not wake waiting fetches (tansu) would make every event wait as long.
    """

    class Thread(driver.AIOKafkaConsumerThread):
        def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
            consumer = super()._create_consumer(loop)
            consumer._fetch_max_wait_ms = int(seconds * 1000)  # noqa: SLF001 - it is read once, when the consumer starts
            return consumer

    class Consumer(driver.Consumer):
        def _new_consumer_thread(self) -> Any:
            return Thread(self, loop=self.loop, beacon=self.beacon)

    class Transport(driver.Transport):
        pass

    Transport.Consumer = Consumer
    return Transport(app.conf.broker_consumer, app, loop=app.loop)
