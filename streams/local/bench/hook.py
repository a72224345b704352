"""``misfire bench hook``: the cost of an answer, beside baselines on the same broker in one run."""

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
from streams.local.bench.clients import HttpClient, KafkaClient
from streams.local.bench.cpu import cpu_seconds
from streams.local.bench.load import Call, Load
from streams.local.bench.open_loop import Latencies, open_loop
from streams.local.embedded_broker import EMBEDDED_FETCH_MAX_WAIT
from streams.local.processes import free_port, start, stop
from streams.local.stack import Stack

__all__ = ["WAYS", "HookBench", "Row", "bench_hook"]

#: What is measured, in the table's order: an echo with aiokafka alone (two hops), to which the
#: others are compared; an empty Faust agent; the worker over Kafka; the worker through the gateway;
#: and a gateway without a broker.
WAYS: Mapping[str, str] = {
    "a": "aiokafka alone",
    "b": "empty Faust agent",
    "k": "worker over Kafka",
    "c": "worker rung",
    "d": "gateway rung",
}
_ECHO = {
    "a": ("misfire-bench.a-requests", "misfire-bench.a-answers"),
    "b": ("misfire-bench.b-requests", "misfire-bench.b-answers"),
}
#: Long enough for the worker to answer on a busy machine, since its rung is to be measured.
_DEADLINE_MS = 5_000
_WARM_CALLS, _WARM_RATE = 300, 150.0
#: The ways take turns this often, so that other load on the machine affects all of them.
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One way at one rate.

    Attributes:
        cpu_us: microseconds of CPU for each call, by process.
        ratio: the p99 relative to that of (a) at the same rate.
    """

    way: str
    name: str
    rate: int
    figures: Mapping[str, Any]
    cpu_us: Mapping[str, int]
    ratio: float | None


@dataclass(frozen=True, slots=True)
class HookBench:
    """The results of the benchmark."""

    broker: str
    cpus: int
    load_average: float
    seconds: float
    rows: Sequence[Row]


def bench_hook(
    bundle: Path,
    *,
    broker: str | None,
    broker_pid: int | None = None,
    rates: Sequence[int],
    seconds: float,
    ways: Sequence[str],
    note: Callable[[str], None],
) -> HookBench:
    """Measure each way at each rate for ``seconds``; with ``broker_pid``, also the broker's CPU."""
    load_average = os.getloadavg()[0]
    with (
        Stack(bundle, broker=broker) as stack,
        _echoes(stack, ways, embedded=broker is None) as (wait, echoes),
    ):
        note(f"broker on {stack.bootstrap}; starting the measured processes")
        parts = {"generator": os.getpid(), **echoes}
        if (known := broker_pid or stack.broker_pid) is not None:
            parts["broker"] = known
        if {"k", "c"} & set(ways):
            parts["worker"] = stack.start_worker().pid
        if "c" in ways:
            parts["gateway"] = stack.start_gateway().pid
        brokerless = f"http://127.0.0.1:{free_port()}"
        if "d" in ways:
            process = stack.start_part("gateway", brokerless, broker=f"127.0.0.1:{free_port()}")
            parts["gateway without broker"] = process.pid
        clients = _Clients(stack.bootstrap, stack.gateway_url, brokerless, wait)
        found = uvloop.run(
            _measure(clients, parts, rates=rates, seconds=seconds, ways=ways, note=note)
        )
    return HookBench(
        "Apache Kafka" if broker else "embedded",
        os.cpu_count() or 1,
        round(load_average, 2),
        seconds,
        _rows(found, rates, ways),
    )


@dataclass(frozen=True, slots=True)
class _Clients:
    bootstrap: str
    gateway: str
    brokerless: str
    wait: float

    @asynccontextmanager
    async def open(self, way: str) -> AsyncIterator[Callable[[Call], Awaitable[str]]]:
        """Connect one way; yield the function that makes one call."""
        if way in ("c", "d"):
            async with HttpClient(
                self.gateway if way == "c" else self.brokerless, _DEADLINE_MS
            ) as http:
                yield lambda call: http.ask(call.body)
        else:
            numbers = count()
            topics = _ECHO.get(way, (INTENTS, REPLIES))
            async with KafkaClient(self.bootstrap, topics, self.wait) as kafka:
                yield lambda call: kafka.ask(
                    next(numbers), call.event.household_id, call.body, call.headers
                )


@dataclass(slots=True)
class _Found:
    """One way at one rate: its latencies, and the CPU seconds of each process meanwhile."""

    latencies: Latencies = field(default_factory=Latencies)
    cpu: Counter[str] = field(default_factory=Counter)


async def _measure(
    clients: _Clients,
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
        ask = {way: await stack.enter_async_context(clients.open(way)) for way in ways}
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
    """Start the echo processes on their own topics.

    Yield how many seconds a fetch may wait on this broker, and the processes' ids by name.
    """
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
