"""Times the same command with and without an adapter, in one run."""

from __future__ import annotations

import time
from dataclasses import dataclass

from streams.runtimes.contract.runtime import HARMLESS, Command, Runtime

__all__ = ["Timing", "time_of"]

#: Turns before the measurement, while caches and connections warm up.
_WARM_UP = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Durations of a turn in milliseconds, and how many turns ran the command."""

    median: float
    p99: float
    ran: int


def time_of(guarded: Runtime, unguarded: Runtime, times: int) -> tuple[Timing, Timing]:
    """Return the durations with and without the adapter; the turns alternate."""
    command = Command(intent=HARMLESS, slots={"room": "kitchen"})
    turns: tuple[list[tuple[float, int]], ...] = ([], [])
    for _ in range(_WARM_UP + times):
        for runtime, found in zip((guarded, unguarded), turns, strict=True):
            began = time.perf_counter()
            turn = runtime.say(command)
            found.append(((time.perf_counter() - began) * 1000.0, len(turn.ran)))
    with_it, without = (_timing(found[_WARM_UP:]) for found in turns)
    return with_it, without


def _timing(found: list[tuple[float, int]]) -> Timing:
    durations = sorted(milliseconds for milliseconds, _ in found)
    return Timing(
        median=durations[len(durations) // 2],
        p99=durations[min(len(durations) - 1, len(durations) * 99 // 100)],
        ran=sum(ran for _, ran in found),
    )
