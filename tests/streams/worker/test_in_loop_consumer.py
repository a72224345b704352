from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import AsyncMock

import pytest
from aiokafka.errors import ConsumerStoppedError

from streams.settings import Settings
from streams.worker import faust_transport
from streams.worker.app import build_app
from streams.worker.in_loop_consumer import InLoopConsumer


def a_client() -> AsyncMock:
    return AsyncMock(_closed=False)


@pytest.fixture
async def consumer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A started consumer whose client is a double."""
    monkeypatch.setattr(InLoopConsumer, "_create_consumer", lambda *_, **__: a_client())
    consumer = build_app(Settings()).app.consumer._thread
    await consumer.start()
    yield consumer
    await consumer.stop()


async def test_the_consumer_runs_in_the_workers_loop_and_thread(consumer: Any) -> None:
    async def where() -> tuple[object, object]:
        return asyncio.get_running_loop(), threading.current_thread()

    found = await consumer.call_thread(where)

    assert found == (asyncio.get_running_loop(), threading.current_thread())
    consumer._consumer.start.assert_awaited_once()


async def test_a_call_gets_its_arguments_its_result_and_its_error(consumer: Any) -> None:
    def divided(one: int, *, by: int) -> float:
        return one / by

    assert await consumer.call_thread(divided, 3, by=2) == 1.5
    with pytest.raises(ZeroDivisionError):
        await consumer.call_thread(divided, 3, by=0)


async def test_a_consumer_that_stops_leaves_the_other_tasks_of_the_loop_alone(
    consumer: Any,
) -> None:
    other = asyncio.create_task(asyncio.sleep(60))

    await consumer.stop()
    await asyncio.sleep(0)

    consumer._consumer.stop.assert_awaited_once()
    assert not other.done()
    other.cancel()


async def test_a_consumer_that_cannot_start_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = a_client()
    client.start.side_effect = ConnectionError("no broker")
    monkeypatch.setattr(InLoopConsumer, "_create_consumer", lambda *_, **__: client)
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: unhandled.append(what))
    consumer = build_app(Settings()).app.consumer._thread

    with pytest.raises(ConnectionError):
        await consumer.start()
    await asyncio.sleep(0.05)

    assert "no broker" in capsys.readouterr().err
    assert unhandled == []


async def test_nothing_is_asked_of_a_consumer_that_has_stopped(consumer: Any) -> None:
    """aiokafka would retry a commit every tenth of a second, and the worker would never end."""
    consumer._consumer._closed = True
    with pytest.raises(ConsumerStoppedError):
        await consumer.call_thread(consumer._consumer.commit)
    await consumer.consumer.on_stop()


async def test_a_commit_that_hangs_does_not_delay_the_end(
    consumer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(faust_transport, "REQUEST_SECONDS", 0.05)
    monkeypatch.setattr(consumer.consumer, "commit_and_end_transactions", hang)
    await asyncio.wait_for(consumer.consumer.on_stop(), 5)


async def test_a_client_that_cannot_stop_is_logged_and_holds_nothing_up(
    consumer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    consumer._consumer.stop.side_effect = RuntimeError("the coordinator is gone")

    await asyncio.wait_for(consumer.stop(), 5)

    assert "the coordinator is gone" in caplog.text
