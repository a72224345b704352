"""Reads ``misfire.bundles``: once at the start, and then as long as the process runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.reading import read_topic
from streams.kafka.topics import BUNDLES
from streams.wire.announcements import BUNDLE_CHANNEL, Channel

__all__ = ["Feed", "apply_record", "read_channels"]

logger = logging.getLogger(__name__)

#: Seconds between two attempts to connect.
_PAUSE = 1.0

Channels = Mapping[str, Channel]


def read_channels(brokers: Brokers) -> dict[str, Channel]:
    """Return every channel, by name.

    Raises:
        DependencyUnavailable: the topic is missing or cannot be read.
    """
    channels: dict[str, Channel] = {}
    for record in read_topic(brokers, BUNDLES):
        apply_record(channels, record.key, record.value)
    return channels


class Feed:
    """Follows the channels in the background. Without Kafka, the last known ones stay.

    Args:
        brokers: the brokers to read from.
        fetch_max_wait: seconds for which a fetch waits for data.
        on_change: called in the event loop with all channels after each change.
        channels: those that are already known.
    """

    def __init__(
        self,
        brokers: Brokers,
        fetch_max_wait: float,
        on_change: Callable[[Channels], None],
        channels: Channels | None = None,
    ) -> None:
        self._brokers = brokers
        self._fetch_max_wait = fetch_max_wait
        self._on_change = on_change
        self._channels = dict(channels or {})
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Read until the task is cancelled; connect again after a failure."""
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError) as error:
                logger.warning("the announced bundles: %s; trying again", type(error).__name__)
            except Exception:
                logger.exception("the announced bundles could not be read; trying again")
            await asyncio.sleep(_PAUSE)

    async def until(self, channel: str, number: int, seconds: float) -> bool:
        """Wait until an announcement is known; return whether it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._knows(channel, number):
                    self._changed.clear()
                    await self._changed.wait()
        return self._knows(channel, number)

    def _knows(self, channel: str, number: int) -> bool:
        known = self._channels.get(channel)
        return known is not None and any(each.number >= number for each in known.announcements)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            **self._brokers.options,
            group_id=None,
            enable_auto_commit=False,
            fetch_max_wait_ms=max(1, int(self._fetch_max_wait * 1000)),
        )
        try:
            await consumer.start()
            partition = TopicPartition(BUNDLES, 0)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            async for message in consumer:
                self._received(message)
        finally:
            await consumer.stop()

    def _received(self, message: Any) -> None:
        before = dict(self._channels)
        apply_record(self._channels, message.key, message.value)
        if before != self._channels:
            self._on_change(self._channels)
            self._changed.set()


def apply_record(channels: dict[str, Channel], key: bytes | None, value: bytes | None) -> None:
    """Apply one record; an older one of the same channel, read again, changes nothing."""
    name = (key or b"").decode("utf-8", "replace")
    if value is None:
        channels.pop(name, None)
        return
    try:
        found = BUNDLE_CHANNEL.decode(value)
    except RecordError as error:
        logger.error("a record of the channel %.64r cannot be read (%s)", name, error)  # noqa: TRY400
        return
    if found.channel == name:
        channels[name] = found
