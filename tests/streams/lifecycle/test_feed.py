from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from streams.kafka.connection import Brokers
from streams.lifecycle.feed import Feed, apply_record
from streams.wire.announcements import ACTIVE, BUNDLE_CHANNEL, Channel
from tests.streams.lifecycle.announcements import announcement, channel

ONE = channel(announcement(1, "a"))
TWO = channel(announcement(1, "a"), announcement(2, "b"))


def record(found: Channel | None, key: str = ACTIVE) -> SimpleNamespace:
    value = None if found is None else BUNDLE_CHANNEL.encode(found)
    return SimpleNamespace(key=key.encode(), value=value)


def test_a_record_replaces_its_channel_and_a_tombstone_removes_it() -> None:
    channels: dict[str, Channel] = {}
    for found in (ONE, TWO):
        apply_record(channels, ACTIVE.encode(), BUNDLE_CHANNEL.encode(found))
        assert channels == {ACTIVE: found}

    apply_record(channels, ACTIVE.encode(), None)

    assert not channels


def test_an_unreadable_record_and_one_of_another_channel_change_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    channels = {ACTIVE: ONE}

    apply_record(channels, ACTIVE.encode(), b'{"channel": 7}')
    apply_record(channels, b"shadow-x", BUNDLE_CHANNEL.encode(TWO))
    apply_record(channels, None, BUNDLE_CHANNEL.encode(TWO))

    assert channels == {ACTIVE: ONE}
    assert "cannot be read" in caplog.text


async def test_a_change_is_announced_once_and_ends_a_wait() -> None:
    changes: list[dict[str, Channel]] = []
    feed = Feed(Brokers("nobody.invalid:9092"), 0.5, lambda found: changes.append(dict(found)))
    waiting = asyncio.create_task(feed.until(ACTIVE, 2, 60.0))
    await asyncio.sleep(0)

    for found in (ONE, ONE, TWO):
        feed._received(record(found))

    assert await waiting
    assert changes == [{ACTIVE: ONE}, {ACTIVE: TWO}]


async def test_a_wait_for_an_announcement_that_never_comes_ends() -> None:
    feed = Feed(Brokers("nobody.invalid:9092"), 0.5, lambda _: None, {ACTIVE: ONE})

    assert await feed.until(ACTIVE, 1, 0.0)
    assert not await feed.until(ACTIVE, 2, 0.01)
