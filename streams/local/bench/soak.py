"""``misfire bench soak``: hours of steady traffic, and whether anything grows.

A fixed number of households gives commands and reports their outcomes. A warm-up fills the caches
first: the largest one are the 10,000 requests that a gateway remembers.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median

import uvloop

from detector.contracts.decisions import Rung, Verdict
from detector.contracts.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.simulation.households import simulate
from detector.simulation.households.one_shot import simulate_homes
from streams.hook import AsyncHook
from streams.local.bench.cpu import cpu_seconds
from streams.local.bench.open_loop import Latencies, open_loop
from streams.local.bench.trend import Trend, trend
from streams.local.bench.watching import memory_mib, metric, open_files
from streams.local.stack import Stack

__all__ = ["Grown", "Samples", "Soak", "bench_soak", "judged"]

_HOUSEHOLDS, _DAYS = 40, 14
#: Long enough for the worker to answer on a busy machine.
_DEADLINE_MS = 2_000
#: Seconds between samples.
_EVERY = 5.0
#: Share of the time that is not judged.
_UNJUDGED = 0.1
#: Calls per second of the warm-up.
_WARM_RATE = 20.0


@dataclass(slots=True)
class Samples:
    """Measurements of one process: MiB and open files, each at ``seconds``."""

    seconds: list[float] = field(default_factory=list)
    mib: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Grown:
    """What one process used after the first samples.

    Attributes:
        mib: median memory.
        memory: its trend, in MiB for each hour.
        files_before: the most open files in the first half of the judged time.
        files_after: the median in the second half: single connections come and go.
        cpu_us: microseconds of CPU for each call, over the whole time.
    """

    mib: float
    memory: Trend
    files_before: int
    files_after: int
    cpu_us: int

    @property
    def ok(self) -> bool:
        """Whether neither memory nor open files grow."""
        return not self.memory.rises and self.files_after <= self.files_before


@dataclass(frozen=True, slots=True)
class Soak:
    """The results. ``core_share`` is the CPU time of all measured processes over the time."""

    broker: str
    minutes: float
    rate: float
    load_average: float
    calls: int
    answers: Mapping[str, int]
    p50_ms: float
    p99_ms: float
    events: int
    dead_letters: int
    core_share: float
    parts: Mapping[str, Grown]

    @property
    def ok(self) -> bool:
        """Whether nothing grew, no record was refused, and the worker answered most calls."""
        return (
            all(part.ok for name, part in self.parts.items() if name != "broker")
            and self.dead_letters == 0
            and "no answer" not in self.answers
            and 2 * self.answers.get(Rung.WORKER.value, 0) > self.calls
        )


def bench_soak(
    bundle: Path,
    *,
    broker: str | None,
    broker_pid: int | None,
    minutes: float,
    rate: float,
    warm_up: int,
    note: Callable[[str], None],
) -> Soak:
    """Make ``rate`` calls per second for ``minutes`` and watch worker and gateway.

    ``warm_up`` calls go before, at a higher rate.

    The broker is only watched, not judged: the embedded one keeps every record in memory.
    """
    load = round(os.getloadavg()[0], 2)
    with Stack(bundle, broker=broker) as stack:
        parts = {"worker": stack.start_worker().pid, "gateway": stack.start_gateway().pid}
        if (known := broker_pid or stack.broker_pid) is not None:
            parts["broker"] = known
        watched = uvloop.run(
            _soak(stack, parts, minutes=minutes, rate=rate, warm_up=warm_up, note=note)
        )
        latencies, samples = watched.latencies, watched.samples
        return Soak(
            broker="Apache Kafka" if broker else "embedded",
            minutes=round(watched.seconds / 60, 1),
            rate=rate,
            load_average=load,
            calls=latencies.calls,
            answers=dict(+latencies.answers),
            p50_ms=latencies.ms(50),
            p99_ms=latencies.ms(99),
            events=int(metric(stack.worker_url, "misfire_events_total")),
            dead_letters=int(metric(stack.worker_url, "misfire_dead_letters_total")),
            core_share=round(sum(watched.cpu.values()) / watched.seconds, 3),
            parts={
                name: judged(
                    samples[name], round(1e6 * watched.cpu[name] / max(latencies.calls, 1))
                )
                for name in parts
            },
        )


def judged(samples: Samples, cpu_us: int) -> Grown:
    """Judge the samples, without the first ones."""
    begin = int(_UNJUDGED * len(samples.seconds))
    seconds, mib, files = (each[begin:] for each in (samples.seconds, samples.mib, samples.files))
    half = (len(files) + 1) // 2
    return Grown(
        mib=round(median(mib), 1) if mib else 0.0,
        memory=trend(seconds, mib),
        files_before=max(map(int, files[:half]), default=0),
        files_after=int(median(files[half:])) if files[half:] else 0,
        cpu_us=cpu_us,
    )


@dataclass(frozen=True, slots=True)
class _Watched:
    latencies: Latencies
    samples: Mapping[str, Samples]
    seconds: float
    cpu: Mapping[str, float]


async def _soak(
    stack: Stack,
    parts: Mapping[str, int],
    *,
    minutes: float,
    rate: float,
    warm_up: int,
    note: Callable[[str], None],
) -> _Watched:
    samples = {name: Samples() for name in parts}
    history, numbers = _history(), count()
    async with AsyncHook(stack.gateway_url, deadline_ms=_DEADLINE_MS) as hook:

        async def ask(_: int) -> str:
            number = next(numbers)
            event = _now(history[number % len(history)], number // len(history))
            decision = await hook.decide(event)
            if event.commits and decision.effective_verdict is Verdict.ALLOW:
                await hook.report(
                    Outcome(
                        event_id=event.event_id,
                        household_id=event.household_id,
                        outcome=OutcomeKind.EXECUTED,
                        source=OutcomeSource.RUNTIME,
                        time=datetime.now(UTC),
                    )
                )
            return str(decision.rung)

        if warm_up:
            note(f"{warm_up:,} calls to warm up")
            await open_loop(ask, warm_up, max(rate, _WARM_RATE))
        watching = asyncio.create_task(_watch(parts, samples, note))
        before, began = cpu_seconds(parts), time.monotonic()
        try:
            found = await open_loop(ask, max(1, round(60 * minutes * rate)), rate)
        finally:
            watching.cancel()
        seconds, after = time.monotonic() - began, cpu_seconds(parts)
    used = {name: after[name] - before[name] for name in parts}
    return _Watched(found, samples, seconds, used)


async def _watch(
    parts: Mapping[str, int], samples: Mapping[str, Samples], note: Callable[[str], None]
) -> None:
    began = time.monotonic()
    for number in count(1):
        await asyncio.sleep(_EVERY)
        for name, pid in parts.items():
            seen = samples[name]
            seen.seconds.append(time.monotonic() - began)
            seen.mib.append(memory_mib(pid)[0])
            seen.files.append(open_files(pid))
        if number % 60 == 0:
            text = ", ".join(
                f"{name} {seen.mib[-1]:.1f} MiB and {seen.files[-1]} files"
                for name, seen in samples.items()
            )
            note(f"after {number * _EVERY / 60:.0f} minutes: {text}")


def _history() -> Sequence[IntentEvent]:
    """Return the events of simulated households, half of them with one-shot commands."""
    half = _HOUSEHOLDS // 2
    events = [
        *simulate(half, _DAYS, seed=1, first=2_000).events,
        *simulate_homes(half, _DAYS, seed=1, first=2_000).events,
    ]
    return sorted(events, key=lambda event: (event.time, event.event_id))


def _now(event: IntentEvent, repetition: int) -> IntentEvent:
    """Return an event of the history as one of this moment."""
    return replace(
        event,
        event_id=f"{event.event_id}-{repetition}",
        session_id=f"{event.session_id}-{repetition}",
        time=datetime.now(UTC),
    )
