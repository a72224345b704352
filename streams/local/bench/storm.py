"""``misfire bench storm``: kills, stops and floods parts, and checks that every call is on time."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import uvloop

from streams.hook import AsyncHook
from streams.local.bench.clients import HttpClient
from streams.local.bench.load import Load
from streams.local.bench.open_loop import Latencies, open_loop
from streams.local.processes import free_port, start, stop
from streams.local.stack import Stack

__all__ = ["TROUBLES", "Storm", "StormRow", "bench_storm"]

#: Seconds beyond its deadline in which a call still counts as on time: a busy event loop may take
#: that long to wake the caller.
_GRACE = 0.010
_BACKLOG_EVENTS = 30_000
#: More calls than the gateway lets wait (Settings.max_waiting), with the longest possible deadline.
_FLOOD, _FLOOD_DEADLINE_MS = 700, 10_000


@dataclass(frozen=True, slots=True)
class StormRow:
    """The calls during one trouble: how many each rung answered, and how many were on time.

    ``lag_ms`` is the longest delay in the calling process itself, which adds to every latency.
    """

    trouble: str
    calls: int
    in_time: int
    answered: Mapping[str, int]
    late: Mapping[str, int]
    p50_ms: float
    p99_ms: float
    slowest_ms: float
    lag_ms: float


@dataclass(frozen=True, slots=True)
class Storm:
    """The results of the benchmark. ``skipped`` names the troubles that could not be caused."""

    broker: str
    cpus: int
    load_average: float
    rate: float
    deadline_ms: int
    rows: Sequence[StormRow]
    skipped: Sequence[str]

    @property
    def ok(self) -> bool:
        """Whether every call was answered on time."""
        return all(row.calls == row.in_time for row in self.rows)


@dataclass(slots=True)
class _Scene:
    """What troubles act on."""

    stack: Stack
    broker_pid: int | None
    gateway: subprocess.Popen[bytes]
    load: Load

    async def worker_ready(self) -> None:
        """Start a worker in place of the previous one and wait until it is ready."""
        await asyncio.to_thread(self.stack.start_worker)


async def _calm(_: _Scene) -> None:
    await asyncio.sleep(6)


async def _kill(scene: _Scene) -> None:
    await asyncio.sleep(2)
    scene.stack.kill_worker()
    await asyncio.sleep(3)
    await scene.worker_ready()
    await asyncio.sleep(2)


async def _join(scene: _Scene) -> None:
    await asyncio.sleep(1)
    url = f"http://127.0.0.1:{free_port()}"
    second = scene.stack.start_part("worker", url)
    await asyncio.to_thread(scene.stack.wait_ready, url, second)
    await asyncio.sleep(2)
    await asyncio.to_thread(stop, second)
    await asyncio.sleep(4)


async def _backlog(scene: _Scene) -> None:
    command = [
        sys.executable,
        "-m",
        "streams.local.bench.backlog",
        scene.stack.bootstrap,
        str(_BACKLOG_EVENTS),
    ]
    sending = start(command, log=scene.stack.folder / "backlog.log")
    await asyncio.to_thread(sending.wait)
    await asyncio.sleep(6)


async def _broker_stops(scene: _Scene) -> None:
    if scene.broker_pid is None:
        raise LookupError("the broker's process is not known; pass its id with --broker-pid")
    await asyncio.sleep(1)
    os.kill(scene.broker_pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(10)
    finally:
        os.kill(scene.broker_pid, signal.SIGCONT)
    await asyncio.sleep(5)


async def _queue_full(scene: _Scene) -> None:
    worker = scene.stack.worker
    if worker is None:
        raise LookupError("no worker is running")
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        async with HttpClient(scene.stack.gateway_url, _FLOOD_DEADLINE_MS) as flood:
            calls = scene.load.draw(_FLOOD)
            waiting = [asyncio.create_task(flood.ask(call.body)) for call in calls]
            await asyncio.sleep(4)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
    finally:
        os.kill(worker.pid, signal.SIGCONT)


async def _gateway_gone(scene: _Scene) -> None:
    await asyncio.sleep(1)
    scene.gateway.kill()
    scene.gateway.wait()
    await asyncio.sleep(2)
    scene.gateway = await asyncio.to_thread(scene.stack.start_gateway)
    await asyncio.sleep(2)


#: The troubles, in order; each starts when the previous one is over.
TROUBLES: Mapping[str, Callable[[_Scene], Awaitable[None]]] = {
    "calm": _calm,
    "worker killed": _kill,
    "worker joins and leaves": _join,
    "queue full": _queue_full,
    "gateway killed": _gateway_gone,
    "broker stopped 10 s": _broker_stops,
    "backlog of 30,000": _backlog,
}


def bench_storm(
    bundle: Path,
    *,
    broker: str | None,
    broker_pid: int | None,
    rate: float,
    deadline_ms: int,
    troubles: Sequence[str],
    note: Callable[[str], None],
) -> Storm:
    """Call the client library ``rate`` times per second while one trouble follows another."""
    load_average = os.getloadavg()[0]
    with Stack(bundle, broker=broker) as stack:
        stack.start_worker()
        scene = _Scene(stack, broker_pid or stack.broker_pid, stack.start_gateway(), Load())
        rows, skipped = uvloop.run(_storm(scene, rate, deadline_ms, troubles, note))
    name = "Apache Kafka" if broker else "embedded"
    return Storm(
        name, os.cpu_count() or 1, round(load_average, 2), rate, deadline_ms, rows, skipped
    )


async def _storm(
    scene: _Scene,
    rate: float,
    deadline_ms: int,
    troubles: Sequence[str],
    note: Callable[[str], None],
) -> tuple[list[StormRow], list[str]]:
    rows, skipped = [], []
    async with AsyncHook(scene.stack.gateway_url, deadline_ms=deadline_ms) as hook:
        for trouble in troubles:
            note(trouble)
            try:
                found = await _call_during(
                    scene, hook, TROUBLES[trouble], rate, deadline_ms / 1000.0
                )
            except LookupError as error:
                skipped.append(f"{trouble}: {error.args[0]}")
            else:
                rows.append(_row(trouble, found))
    return rows, skipped


async def _call_during(
    scene: _Scene,
    hook: AsyncHook,
    trouble: Callable[[_Scene], Awaitable[None]],
    rate: float,
    deadline: float,
) -> Latencies:
    numbers = count()
    calls = scene.load.draw(5_000)

    async def ask(_: int) -> str:
        return (await hook.decide(calls[next(numbers) % len(calls)].event)).rung.value

    happening = asyncio.ensure_future(trouble(scene))
    found = await open_loop(ask, len(calls), rate, limit=deadline + _GRACE, until=happening.done)
    await happening
    return found


def _row(trouble: str, found: Latencies) -> StormRow:
    return StormRow(
        trouble,
        found.calls,
        found.calls - found.late.total(),
        dict(+found.answers),
        dict(+found.late),
        found.ms(50),
        found.ms(99),
        found.ms(100),
        found.lag_ms(100),
    )
