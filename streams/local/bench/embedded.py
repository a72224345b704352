"""What the embedded hook costs its host: start, memory, and the time of a decision.

A fresh process imports the hook, decides on the events of simulated homes one after another, and
measures itself. It decides at the events' own times, so days pass in seconds. Between two calls it
waits a moment, as a home does, in which the hook tidies its file up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.contracts.events import IntentEvent
from streams.files.events import write_events

__all__ = ["EmbeddedBench", "Percentiles", "bench_embedded"]

#: Percentiles that are reported.
_SHARES = (0.5, 0.9, 0.99, 0.999)
#: Pause between two calls.
_PAUSE_SECONDS = 0.005
#: Runs in the fresh process. Only the standard library is loaded before the first measurement.
_CHILD = """
import gzip, json, os, resource, sys, time
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
def mib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20
stream, path, pause = sys.argv[1:]
lines = gzip.open(stream).read().splitlines()
bare, began, cpu = mib(), time.perf_counter(), time.process_time()
from streams.hook import EmbeddedHook
now = 0.0
hook = EmbeddedHook(path, deadline_ms=60_000, now=lambda: now)
from streams.wire.records import INTENT
calls, first = [], None
for line in lines:
    event = INTENT.decode(line)
    now = event.seconds
    before, used = time.perf_counter(), time.process_time()
    decision = hook.decide(event)
    wall, cpu_of_call = time.perf_counter() - before, time.process_time() - used
    assert decision.rung == "worker", decision
    if first is None:
        first = (time.perf_counter() - began, time.process_time() - cpu, mib() - bare)
    time.sleep(float(pause))
    calls.append((event.commits, wall, cpu_of_call, time.process_time() - used))
done = mib() - bare
hook.close()
print(json.dumps({"calls": calls, "first": first, "mib": done, "bytes": os.path.getsize(path)}))
"""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The time of the calls of ``decide``, in milliseconds by percentile, and their number.

    ``mean_cpu_ms`` also contains what the hook does after a call.
    """

    calls: int
    wall_ms: Mapping[str, float]
    cpu_ms: Mapping[str, float]
    mean_cpu_ms: float


@dataclass(frozen=True, slots=True)
class EmbeddedBench:
    """The measured cost. Memory is resident memory beyond that of the bare interpreter.

    Attributes:
        start_seconds: from the import to the first decision, on one core.
        start_cpu_seconds: the CPU time of the same.
        start_mib: memory after the first decision.
        end_mib: memory after the last.
        file_bytes: size of the household file at the end.
        committing: calls with events that would run a command.
        others: calls with the other events.
        load_average: of the machine, before.
    """

    start_seconds: float
    start_cpu_seconds: float
    start_mib: float
    end_mib: float
    file_bytes: int
    committing: Percentiles
    others: Percentiles
    load_average: float


def bench_embedded(events: Iterable[IntentEvent]) -> EmbeddedBench:
    """Measure the embedded hook with the starter bundle in a fresh process."""
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="misfire-bench-") as folder:
        stream = Path(folder) / "events.jsonl.gz"
        write_events(stream, events)
        paths = [str(stream), str(Path(folder) / "home.db")]
        command = [sys.executable, "-c", _CHILD, *paths, str(_PAUSE_SECONDS)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 - our own
        found: dict[str, Any] = json.loads(done.stdout)
    seconds, cpu, mib = found["first"]
    calls = found["calls"][1:]
    return EmbeddedBench(
        start_seconds=round(seconds, 2),
        start_cpu_seconds=round(cpu, 2),
        start_mib=round(mib, 1),
        end_mib=round(found["mib"], 1),
        file_bytes=found["bytes"],
        committing=_percentiles([call for call in calls if call[0]]),
        others=_percentiles([call for call in calls if not call[0]]),
        load_average=load,
    )


def _percentiles(calls: Sequence[Sequence[float]]) -> Percentiles:
    return Percentiles(
        len(calls),
        _of([call[1] for call in calls]),
        _of([call[2] for call in calls]),
        round(1000 * sum(call[3] for call in calls) / max(len(calls), 1), 2),
    )


def _of(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        f"p{100 * share:g}": round(1000 * ordered[int(share * (len(ordered) - 1))], 2)
        for share in _SHARES
        if ordered
    }
