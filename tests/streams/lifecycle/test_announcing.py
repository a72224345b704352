from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from streams.kafka.connection import Brokers
from streams.kafka.topics import BUNDLES, INTENTS
from streams.lifecycle import announcing
from streams.lifecycle.announcing import NotReady, announce
from streams.wire.announcements import ACTIVE, ANNOUNCEMENT, BUNDLE_CHANNEL, Announcement, Channel
from tests.streams.lifecycle.announcements import TOPIC, announcement

PARTITIONS = 3
BROKERS = Brokers("127.0.0.1:9092")
DRAFT = announcement(0, "a" * 16, since=None, floor=(), topic_id="")


class Log:
    """A broker's two topics: channels, and the partitions of the intents as lists of headers."""

    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self.written: list[Channel] = []
        self.intents: list[list[Any]] = [[None] * 5, [None] * 7, []]
        self.fails_after = 10**9

    def send(self, topic: str, **record: Any) -> Any:
        if topic == BUNDLES:
            found = BUNDLE_CHANNEL.decode(record["value"])
            self.written.append(found)
            self.channels[found.channel] = found
            return _acknowledged(len(self.written))
        assert topic == INTENTS
        self.fails_after -= 1
        if self.fails_after < 0:
            raise ConnectionError
        partition = self.intents[record["partition"]]
        partition.append(dict(record["headers"])[ANNOUNCEMENT])
        return _acknowledged(len(partition) - 1)

    def marks(self, each: Announcement) -> dict[int, int]:
        wanted = str(each.number).encode()
        return {
            number: partition.index(wanted)
            for number, partition in enumerate(self.intents)
            if wanted in partition
        }


def _acknowledged(offset: int) -> Any:
    return SimpleNamespace(get=lambda timeout: SimpleNamespace(offset=offset))  # noqa: ARG005


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    made = Log()

    class Connected:
        def __enter__(self) -> Any:
            return None, made

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(announcing, "_connected", lambda _: Connected())
    monkeypatch.setattr(announcing, "read_channels", lambda _: dict(made.channels))
    monkeypatch.setattr(announcing, "_topic_id", lambda _: TOPIC)
    monkeypatch.setattr(
        announcing, "_ends", lambda _: {n: len(each) for n, each in enumerate(made.intents)}
    )
    monkeypatch.setattr(announcing, "_marks", lambda _, each: made.marks(each))
    return made


def begin(unready: Sequence[str] = ()) -> Announcement:
    return announce(BROKERS, ACTIVE, lambda _: DRAFT, unready=lambda _: unready)


def test_an_announcement_is_written_then_marked_then_finished(log: Log) -> None:
    done = begin()

    assert (done.number, done.floor, done.since) == (1, (5, 7, 0), (5, 7, 0))
    first, last = log.written
    assert first.latest is not None
    assert first.latest.since is None
    assert last.latest == done
    assert [partition[-1] for partition in log.intents] == [b"1"] * PARTITIONS


def test_an_announcement_that_workers_cannot_take_is_withdrawn(log: Log) -> None:
    with pytest.raises(NotReady, match="partition 2 cannot"):
        begin(["partition 2 cannot"])

    assert log.channels[ACTIVE].announcements == ()
    assert not log.marks(DRAFT)
    assert begin().number == 2  # a number is never used again


@pytest.mark.parametrize("marked", [1, 2])
def test_an_interrupted_announcement_is_finished_by_the_next(log: Log, marked: int) -> None:
    log.fails_after = marked
    with pytest.raises(ConnectionError):
        begin()
    log.fails_after = 10**9

    second = begin()

    first, latest = log.channels[ACTIVE].announcements
    assert latest == second
    assert (first.number, first.since) == (1, (5, 7, 0))
    assert second.number == 2
    assert all(partition.count(b"1") == 1 for partition in log.intents)


def test_an_announcement_without_any_mark_is_withdrawn_by_the_next(log: Log) -> None:
    log.fails_after = 0
    with pytest.raises(ConnectionError):
        begin()
    log.fails_after = 10**9

    second = begin()

    assert log.channels[ACTIVE].announcements == (second,)
    assert second.number == 2


def test_a_shadow_channel_is_written_at_once(log: Log) -> None:
    done = announce(BROKERS, "shadow-x", lambda _: DRAFT)

    assert (done.number, done.since) == (1, ())
    assert [each.channel for each in log.written] == ["shadow-x"]
    assert not log.marks(done)


def test_a_channel_keeps_its_latest_announcements(log: Log) -> None:
    for _ in range(20):
        begin()

    numbers = [each.number for each in log.channels[ACTIVE].announcements]
    assert numbers == list(range(5, 21))
