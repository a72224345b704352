"""Follows ``misfire.bundles`` in the worker's event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

from streams.kafka.connection import brokers_of
from streams.lifecycle.feed import Feed
from streams.settings import Settings
from streams.wire.announcements import ACTIVE, Channel
from streams.worker.agents import Worker

__all__ = ["follow_channels"]

logger = logging.getLogger(__name__)

#: Seconds for which a partition waits for the announcement of a mark that it has read. It was
#: written before the mark.
_PATIENCE = 5.0
#: Seconds between attempts to read a bundle that could not be used.
_RETRY = 10.0


def follow_channels(worker: Worker, settings: Settings, channels: Mapping[str, Channel]) -> None:
    """Apply the known channels, and follow them in background tasks of the current event loop."""
    deciding, shadows = worker.context.deciding, worker.context.shadows
    loop = asyncio.get_event_loop()
    tasks: set[asyncio.Task[None]] = set()

    def background(work: asyncio.Task[None]) -> None:
        tasks.add(work)
        work.add_done_callback(tasks.discard)

    async def prepare() -> None:
        try:
            await asyncio.to_thread(deciding.prepare)
            if shadows:
                await asyncio.to_thread(shadows.start)
        except Exception:
            logger.exception("an announced bundle could not be read ahead")

    async def retry() -> None:
        while True:
            await asyncio.sleep(_RETRY)
            await asyncio.to_thread(deciding.library.retry)

    def changed(found: Mapping[str, Channel]) -> None:
        deciding.update(found)
        if shadows:
            shadows.update(found)
        background(loop.create_task(prepare()))

    deciding.update(channels)
    deciding.prepare()
    if shadows:
        shadows.update(channels)
        shadows.start()
    feed = Feed(brokers_of(settings), settings.fetch_max_wait, changed, channels)
    worker.context.announced = partial(_announced, feed)
    background(loop.create_task(feed.run()))
    background(loop.create_task(retry()))


async def _announced(feed: Feed, number: int) -> bool:
    return await feed.until(ACTIVE, number, _PATIENCE)
