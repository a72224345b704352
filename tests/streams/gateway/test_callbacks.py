from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streams.gateway import callbacks as delivery
from streams.gateway.callbacks import Callbacks
from tests.streams.hook.runtime import runtime


class Hosts:
    """Hosts that answer when a test lets them; ``heard`` lists the URLs of all callbacks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.heard: list[str] = []
        self.slow = asyncio.Event()
        monkeypatch.setattr(Callbacks, "_post", self._post)

    async def _post(self, callback: Any) -> bool:
        self.heard.append(callback.url)
        if "slow" in callback.url:
            await self.slow.wait()
        return True


async def test_an_unresponsive_host_delays_no_other_host_or_tenant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts, callbacks = Hosts(monkeypatch), Callbacks()
    await callbacks.start()
    for number in range(50):
        callbacks.send("acme", f"https://slow.example/{number}", "h1", b"")
    callbacks.send("acme", "https://well.example/x", "h1", b"")
    callbacks.send("bolt", "https://slow.example/bolt", "h2", b"")
    await asyncio.sleep(0.01)

    assert len(hosts.heard) == 4 + 2
    assert {"https://well.example/x", "https://slow.example/bolt"} <= set(hosts.heard)

    hosts.slow.set()
    await asyncio.sleep(0.01)
    assert len(hosts.heard) == 52
    assert not callbacks._waiting
    assert not callbacks._tasks
    await callbacks.stop()


async def test_callbacks_queued_before_the_start_are_bounded_and_sent_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts, callbacks = Hosts(monkeypatch), Callbacks()
    for number in range(1_200):
        callbacks.send("", f"https://well.example/{number}", "h1", b"")
    assert not hosts.heard

    await callbacks.start()
    await asyncio.sleep(0.05)

    assert len(hosts.heard) == 1_000
    assert hosts.heard[0] == "https://well.example/200"


async def test_a_callback_about_an_erased_household_is_not_retried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "_PAUSE", 0.2)
    callbacks = Callbacks()
    await callbacks.start()
    with runtime(500) as (url, heard):
        callbacks.send("", url, "gone", b"gone")
        callbacks.send("", url, "stays", b"stays")
        while len(heard) < 2:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.001)
        callbacks.send("", url, "gone", b"not begun")
        callbacks.forget("gone")
        while callbacks._tasks:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)
    await callbacks.stop()

    assert sorted(heard) == [b"gone", *[b"stays"] * 3]
