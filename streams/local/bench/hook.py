"""``misfire bench hook``: what an answer costs, each way beside the least that it could cost, in one run on the same broker."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import uvloop
from kafka.admin import NewTopic

from streams.kafka.topics import INTENTS, REPLIES, admin
from streams.local.bench.clients import HttpAsker, KafkaAsker
from streams.local.bench.cpu import cpu_seconds
from streams.local.bench.load import Call, Load
from streams.local.bench.open_loop import Latencies, open_loop
from streams.local.embedded_broker import EMBEDDED_FETCH_MAX_WAIT
from streams.local.processes import free_port, start, stop
from streams.local.stack import Stack

__all__ = ["WAYS", "HookBench", "Row", "bench_hook"]

#: What is measured, in the table's order; each is read against the first: aiokafka echoing alone (two hops), an empty Faust
#: agent, the worker asked over Kafka itself, the worker through the gateway, and a gateway whose broker is not there.
WAYS: Mapping[str, str] = {
    "a": "aiokafka alone",
    "b": "empty Faust agent",
    "k": "worker over Kafka",
    "c": "worker rung",
    "d": "gateway rung",
}
_ECHO = {
    "a": ("misfire-bench.a-there", "misfire-bench.a-back"),
    "b": ("misfire-bench.b-there", "misfire-bench.b-back"),
}
#: Long enough for the worker's answer on a busy machine: the rung is what is measured.
_DEADLINE_MS = 5_000
_WARM_CALLS, _WARM_RATE = 300, 150.0
#: How often the ways take turns, so that a busy minute of the machine is everybody's.
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One way at one rate; ``cpu_us`` are microseconds of CPU for each call, by process."""

    way: str
    name: str
    rate: int
    figures: Mapping[str, Any]
    cpu_us: Mapping[str, int]
    ratio: float | None


@dataclass(frozen=True, slots=True)
class HookBench:
    """Everything that was measured. ``ratio`` in a row is its p99 over (a)'s at the same rate."""

    broker: str
    cpus: int
    load_average: float
    seconds: float
    rows: Sequence[Row]


def bench_hook(
    bundle: Path,
    *,
    broker: str | None,
    rates: Sequence[int],
    seconds: float,
    ways: Sequence[str],
    note: Callable[[str], None],
) -> HookBench:
    """Measure each way at each rate for so many seconds."""
    load_average = os.getloadavg()[0]
    with (
        Stack(bundle, broker=broker) as stack,
        _echoes(stack, ways, embedded=broker is None) as (wait, echoes),
    ):
        note(f"broker on {stack.bootstrap}; starting what is measured")
        parts = {"generator": os.getpid(), **echoes}
        if stack.broker_pid is not None:
            parts["broker"] = stack.broker_pid
        if {"k", "c"} & set(ways):
            parts["worker"] = stack.start_worker().pid
        if "c" in ways:
            parts["gateway"] = stack.start_gateway().pid
        lonely = f"http://127.0.0.1:{free_port()}"
        if "d" in ways:
            process = stack.start_part("gateway", lonely, broker=f"127.0.0.1:{free_port()}")
            parts["lonely gateway"] = process.pid
        askers = _Askers(stack.bootstrap, stack.gateway_url, lonely, wait)
        found = uvloop.run(
            _measure(askers, parts, rates=rates, seconds=seconds, ways=ways, note=note)
        )
    return HookBench(
        "Apache Kafka" if broker else "embedded",
        os.cpu_count() or 1,
        round(load_average, 2),
        seconds,
        _rows(found, rates, ways),
    )


@dataclass(frozen=True, slots=True)
class _Askers:
    bootstrap: str
    gateway: str
    lonely: str
    wait: float

    @asynccontextmanager
    async def open(self, way: str) -> AsyncIterator[Callable[[Call], Awaitable[str]]]:
        """Connect one way; yields what asks one call."""
        if way in ("c", "d"):
            async with HttpAsker(self.gateway if way == "c" else self.lonely, _DEADLINE_MS) as http:
                yield lambda call: http.ask(call.body)
        else:
            numbers = count()
            topics = _ECHO.get(way, (INTENTS, REPLIES))
            async with KafkaAsker(self.bootstrap, topics, self.wait) as kafka:
                yield lambda call: kafka.ask(
                    next(numbers), call.event.household_id, call.body, call.headers
                )


@dataclass(slots=True)
class _Found:
    """One way at one rate: its latencies, and the CPU seconds that each process used meanwhile."""

    latencies: Latencies = field(default_factory=Latencies)
    cpu: Counter[str] = field(default_factory=Counter)


async def _measure(
    askers: _Askers,
    parts: Mapping[str, int],
    *,
    rates: Sequence[int],
    seconds: float,
    ways: Sequence[str],
    note: Callable[[str], None],
) -> dict[tuple[str, int], _Found]:
    load = Load()
    found = {(way, rate): _Found() for rate in rates for way in ways}
    async with AsyncExitStack() as stack:
        ask = {way: await stack.enter_async_context(askers.open(way)) for way in ways}
        for way in ways:
            await _run(ask[way], load.draw(_WARM_CALLS), _WARM_RATE)
        for number in range(_ROUNDS):
            for rate in rates:
                for way in ways:
                    calls = load.draw(max(1, round(rate * seconds / _ROUNDS)))
                    before = cpu_seconds(parts)
                    found[way, rate].latencies.merge(await _run(ask[way], calls, rate))
                    after = cpu_seconds(parts)
                    found[way, rate].cpu.update(
                        {name: after[name] - before[name] for name in after}
                    )
                note(f"round {number + 1} of {_ROUNDS}, {rate:,} calls a second: done")
    return found


async def _run(
    ask: Callable[[Call], Awaitable[str]], calls: Sequence[Call], rate: float
) -> Latencies:
    return await open_loop(lambda number: ask(calls[number]), len(calls), rate)


def _rows(
    found: Mapping[tuple[str, int], _Found], rates: Sequence[int], ways: Sequence[str]
) -> list[Row]:
    rows = []
    for rate in rates:
        for way in ways:
            here = found[way, rate]
            base = found["a", rate].latencies.ms(99) if "a" in ways else None
            ratio = round(here.latencies.ms(99) / base, 2) if base else None
            cpu = {
                name: round(1e6 * spent / here.latencies.calls) for name, spent in here.cpu.items()
            }
            rows.append(Row(way, WAYS[way], rate, here.latencies.as_json(), cpu, ratio))
    return rows


@contextmanager
def _echoes(
    stack: Stack, ways: Sequence[str], *, embedded: bool
) -> Iterator[tuple[float, Mapping[str, int]]]:
    """Start the two echoes on topics of their own; yields how long a fetch may wait on this broker, and the processes' ids."""
    wait = EMBEDDED_FETCH_MAX_WAIT if embedded else 0.5
    client = admin(stack.brokers)
    topics = [
        NewTopic(name, stack.partitions, 1) for way in ways if way in _ECHO for name in _ECHO[way]
    ]
    if topics:
        client.create_topics(topics)
    processes = {}
    try:
        for way, kind in (("a", "aiokafka"), ("b", "faust")):
            if way in ways:
                command = [
                    sys.executable,
                    "-m",
                    "streams.local.bench.echo",
                    kind,
                    stack.bootstrap,
                    str(wait),
                    *_ECHO[way],
                ]
                processes[f"{kind} echo"] = start(command, log=stack.folder / f"{kind}.log")
        yield wait, {name: process.pid for name, process in processes.items()}
    finally:
        for process in processes.values():
            stop(process)
        if topics:
            client.delete_topics([topic.name for topic in topics])
        client.close()
