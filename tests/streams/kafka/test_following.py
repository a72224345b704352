"""A topic is followed across failures, and awaited while it is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.kafka import following
from streams.kafka.connection import Brokers
from streams.kafka.following import follow_topic


class Consumer:
    """Behaves as ``AIOKafkaConsumer``; the first connection fails, the next one misses the topic.

    Attributes:
        started: the connections that were begun.
        stopped: those that were ended.
        looks: how often the topics were listed.
    """

    started = stopped = looks = 0

    def __init__(self, **options: Any) -> None:
        assert options["group_id"] is None

    async def start(self) -> None:
        type(self).started += 1
        if self.started == 1:
            raise KafkaConnectionError

    async def stop(self) -> None:
        type(self).stopped += 1

    async def topics(self) -> set[str]:
        type(self).looks += 1
        return set() if self.looks == 1 else {"rules"}

    def assign(self, partitions: list[Any]) -> None:
        assert [(each.topic, each.partition) for each in partitions] == [("rules", 0)]

    async def seek_to_beginning(self, *_: Any) -> None: ...

    async def __aiter__(self) -> AsyncIterator[str]:
        yield f"connection {self.started}"
        if self.started == 2:
            raise ValueError("a message that cannot be used")
        await asyncio.sleep(60)


async def test_a_follower_waits_for_its_topic_and_connects_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "PatientConsumer", Consumer)
    monkeypatch.setattr(following, "_PAUSE", 0.0)
    messages: list[str] = []
    both = asyncio.Event()

    def received(message: str) -> None:
        messages.append(message)
        if len(messages) == 2:
            both.set()

    task = asyncio.create_task(
        follow_topic(Brokers("nobody.invalid:9092"), "rules", received, fetch_max_wait=0.5)
    )
    await asyncio.wait_for(both.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert messages == ["connection 2", "connection 3"]
    assert (Consumer.started, Consumer.stopped, Consumer.looks) == (3, 3, 3)


class Reader(Consumer):
    """A connection to a topic with two messages, whose end is once unknown."""

    position_now = ends = 0
    reading = False

    async def start(self) -> None: ...

    async def topics(self) -> set[str]:
        return {"rules"}

    async def end_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        assert not self.reading  # a fetch would delay the answer
        type(self).ends += 1
        if self.ends == 1:
            raise KafkaConnectionError
        return dict.fromkeys(partitions, 2)

    async def position(self, _: Any) -> int:
        return self.position_now

    async def __aiter__(self) -> AsyncIterator[str]:
        self.reading = True
        for number in range(2):
            await asyncio.sleep(0.01)
            self.position_now += 1
            yield f"message {number}"
        await asyncio.sleep(60)


async def test_a_follower_says_up_to_when_it_has_read(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(following, "AIOKafkaConsumer", Reader)
    monkeypatch.setattr(following, "PatientConsumer", Reader)
    monkeypatch.setattr(following, "_LOOK", 0.0)
    said: list[str | float] = []
    whole = asyncio.Event()

    def read_until(at: float) -> None:
        said.append(at)
        whole.set()

    began = time.monotonic()
    brokers = Brokers("nobody.invalid:9092")
    task = asyncio.create_task(
        follow_topic(brokers, "rules", said.append, fetch_max_wait=0.5, read_until=read_until)
    )
    await asyncio.wait_for(whole.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    *messages, at = said[:3]
    assert messages == ["message 0", "message 1"]
    assert isinstance(at, float)
    assert began <= at <= time.monotonic()
    assert "the end of topic rules is unknown" in caplog.text
