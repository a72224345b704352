from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from streams.errors import RecordError
from streams.kafka.connection import Brokers
from streams.kafka.topics import BUNDLES
from streams.lifecycle.feed import Feed, apply_record
from streams.wire.announcements import ACTIVE, BUNDLE_CHANNEL, Channel
from tests.streams.lifecycle.announcements import announcement, channel

ONE = channel(announcement(1, "a"))
TWO = channel(announcement(1, "a"), announcement(2, "b"))


def record(found: Channel | None, key: str = ACTIVE, offset: int = 0) -> SimpleNamespace:
    value = None if found is None else BUNDLE_CHANNEL.encode(found)
    return SimpleNamespace(key=key.encode(), value=value, topic=BUNDLES, offset=offset)


def test_a_record_replaces_its_channel_and_a_tombstone_removes_it() -> None:
    channels: dict[str, Channel] = {}
    for found in (ONE, TWO):
        apply_record(channels, ACTIVE.encode(), BUNDLE_CHANNEL.encode(found))
        assert channels == {ACTIVE: found}

    apply_record(channels, ACTIVE.encode(), None)

    assert not channels


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        (ACTIVE.encode(), b'{"channel": 7}', "schema"),
        (b"shadow-x", BUNDLE_CHANNEL.encode(TWO), "key_mismatch"),
        (None, BUNDLE_CHANNEL.encode(TWO), "key_mismatch"),
    ],
)
def test_an_unreadable_record_and_one_of_another_channel_change_nothing(
    key: bytes | None, value: bytes, code: str
) -> None:
    channels = {ACTIVE: ONE}

    with pytest.raises(RecordError) as refused:
        apply_record(channels, key, value)

    assert refused.value.code == code
    assert channels == {ACTIVE: ONE}


def test_a_record_that_cannot_be_applied_is_reported_once() -> None:
    found: list[tuple[int, str]] = []
    feed = Feed(
        Brokers("nobody.invalid:9092"),
        0.5,
        lambda _: None,
        unusable=lambda message, error: found.append((message.offset, error.code)),
    )
    for _ in range(2):  # a second connection reads all records again
        feed._received(record(ONE, "shadow-x", 3))
        feed._received(record(ONE, "shadow-x", 5))

    assert found == [(3, "key_mismatch"), (5, "key_mismatch")]


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
