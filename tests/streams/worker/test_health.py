from __future__ import annotations

import asyncio
import os
import signal
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from streams.local.processes import free_port
from streams.telemetry import metrics
from streams.worker.health import FRESH_SECONDS, STALLED_SECONDS, Health, Watchdog


@dataclass
class Scene:
    """A watchdog with a fake clock, agents, broker and counts of records."""

    now: float = 0.0
    answering: bool = True
    alive: bool = True
    taken: int = 0
    written: int = 0
    silent: tuple[str, ...] = ()
    health: Health = field(default_factory=Health)

    def __post_init__(self) -> None:
        agent = SimpleNamespace(
            name="intents", actor_tracebacks=lambda: ["where it is"] if self.alive else []
        )
        self.health.update(assigned=True)
        self.watchdog = Watchdog(
            cast("Any", self),
            [agent],
            self.answers,
            self.health,
            silent=lambda _: self.silent,
            clock=lambda: self.now,
        )

    def why(self) -> str:
        """Return why the worker was stopped, if it was."""
        return self.health.failed or ""

    async def answers(self) -> bool:
        """Return whether the broker answers."""
        return self.answering

    async def after(self, seconds: float) -> None:
        """Check once a second, as the app does."""
        for _ in range(int(seconds)):
            self.now += 1
            await self.watchdog.check()


@pytest.fixture(autouse=True)
def signals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Record signals instead of sending them, and disable the forced exit."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    monkeypatch.setattr(threading.Timer, "start", lambda _: None)
    return sent


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_healthy_worker_is_not_stopped(scene: Scene) -> None:
    await scene.after(10 * STALLED_SECONDS)
    assert scene.health.ready
    assert not scene.why()


async def test_without_a_broker_a_worker_is_unready_at_once_and_exits_later(
    scene: Scene, signals: list[tuple[int, int]]
) -> None:
    await scene.after(5)
    scene.answering = False
    await scene.after(1)
    assert not scene.health.ready
    assert metrics.READY._value.get() == 0
    await scene.after(STALLED_SECONDS - 1)
    assert not scene.why()
    await scene.after(2)
    assert "no broker" in scene.why()
    assert signals == [(os.getpid(), signal.SIGTERM)]


async def test_a_silent_partition_makes_an_idle_worker_unready(
    scene: Scene,
) -> None:
    scene.silent = ("assistant.intents 3",)
    await scene.after(FRESH_SECONDS - 1)
    assert scene.health.missing == []
    await scene.after(2)
    assert scene.health.missing == ["an answer to fetches of assistant.intents 3"]

    scene.taken = scene.written = 1
    await scene.after(1)
    assert scene.health.missing == []

    await scene.after(FRESH_SECONDS + 1)
    assert scene.health.missing
    scene.silent = ()
    await scene.after(1)
    assert scene.health.missing == []
    assert not scene.why()


async def test_a_broker_that_returns_in_time_makes_the_worker_ready_again(scene: Scene) -> None:
    scene.answering = False
    await scene.after(STALLED_SECONDS - 1)
    scene.answering = True
    await scene.after(1)
    assert scene.health.ready
    scene.answering = False
    await scene.after(STALLED_SECONDS - 1)
    assert not scene.why()


async def test_decisions_that_are_never_written_stop_the_worker(scene: Scene) -> None:
    scene.taken, scene.written = 7, 3
    await scene.after(STALLED_SECONDS)
    assert not scene.why()
    await scene.after(2)
    assert "nothing could be written" in scene.why()


async def test_slow_writing_does_not_stop_the_worker(scene: Scene) -> None:
    scene.taken = 1_000
    for _ in range(20):
        scene.written += 1
        await scene.after(STALLED_SECONDS / 2)
    assert not scene.why()


async def test_a_dead_agent_stops_the_worker(scene: Scene) -> None:
    scene.alive = False
    await scene.after(1)
    assert "intents" in scene.why()
    assert not scene.health.ready


async def test_agents_do_not_run_before_partitions_are_assigned(scene: Scene) -> None:
    scene.health.update(assigned=False)
    scene.alive = False
    await scene.after(5)
    assert not scene.why()


def test_the_first_reason_is_kept_and_the_process_is_ended_once(
    signals: list[tuple[int, int]],
) -> None:
    health = Health()
    health.update(assigned=True)
    health.agent_failed("intent", ZeroDivisionError("private"))
    health.fail("another")
    assert health.failed == "the agent intent failed (ZeroDivisionError)"
    assert len(signals) == 1
    assert not health.ready


async def test_health_is_served_over_http() -> None:
    health, port = Health(), free_port()
    serving = await health.serve("127.0.0.1", port)

    async def ask(path: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://127.0.0.1:{port}{path}")

    assert (await ask("/healthz")).status_code == 200
    assert (await ask("/readyz")).status_code == 503
    health.update(assigned=True)
    ready: Any = await ask("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "missing": []})
    assert "misfire_ready 1.0" in (await ask("/metrics")).text
    health.update(reachable=False)
    assert (await ask("/readyz")).status_code == 503
    async with httpx.AsyncClient(headers={"host": "evil.example"}) as page:
        assert (await page.get(f"http://127.0.0.1:{port}/metrics")).status_code == 421
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
