"""Reads ``misfire.bundles``: once at the start, and then as long as the process runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.following import follow_topic
from streams.kafka.reading import read_topic
from streams.kafka.topics import BUNDLES
from streams.lifecycle.unusable import Report, report_unusable
from streams.wire.announcements import BUNDLE_CHANNEL, Channel

__all__ = ["Feed", "apply_record", "read_channels"]

logger = logging.getLogger(__name__)

Channels = Mapping[str, Channel]


def read_channels(brokers: Brokers) -> dict[str, Channel]:
    """Return every channel, by name.

    Raises:
        DependencyUnavailable: the topic is missing or cannot be read.
    """
    channels: dict[str, Channel] = {}
    for record in read_topic(brokers, BUNDLES):
        try:
            apply_record(channels, record.key, record.value)
        except RecordError as error:
            logger.error("%s is not applied: %s", record.place, error)  # noqa: TRY400
    return channels


class Feed:
    """Follows the channels in the background. Without Kafka, the last known ones stay.

    Args:
        brokers: the brokers to read from.
        fetch_max_wait: seconds for which a fetch waits for data.
        on_change: called in the event loop with all channels after each change.
        channels: those that are already known.
        unusable: called once with each record that cannot be applied.
    """

    def __init__(
        self,
        brokers: Brokers,
        fetch_max_wait: float,
        on_change: Callable[[Channels], None],
        channels: Channels | None = None,
        unusable: Report = report_unusable,
    ) -> None:
        self._brokers = brokers
        self._fetch_max_wait = fetch_max_wait
        self._on_change = on_change
        self._channels = dict(channels or {})
        self._unusable = unusable
        self._reported = -1
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Read until the task is cancelled; connect again after a failure."""
        await follow_topic(
            self._brokers, BUNDLES, self._received, fetch_max_wait=self._fetch_max_wait
        )

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

    def _received(self, message: Any) -> None:
        before = dict(self._channels)
        try:
            apply_record(self._channels, message.key, message.value)
        except RecordError as error:
            if message.offset > self._reported:  # each connection reads all records again
                self._reported = message.offset
                self._unusable(message, error)
            return
        if before != self._channels:
            self._on_change(self._channels)
            self._changed.set()


def apply_record(channels: dict[str, Channel], key: bytes | None, value: bytes | None) -> None:
    """Apply one record; an older one of the same channel, read again, changes nothing.

    Raises:
        RecordError: the record cannot be applied.
    """
    name = (key or b"").decode("utf-8", "replace")
    if value is None:
        channels.pop(name, None)
        return
    found = BUNDLE_CHANNEL.decode(value)
    if found.channel != name:
        raise RecordError("key_mismatch", "the record's key is not its channel")
    channels[name] = found
