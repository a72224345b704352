"""An open-loop load generator: calls start when they are due, answered or not.

A call's latency counts from when it was due, not from when it was sent. A pause therefore delays
every call that was due in it, as in production, and needs no correction for coordinated omission
(Tene, "How NOT to measure latency", 2013).
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hdrh.histogram import HdrHistogram

__all__ = ["Latencies", "open_loop"]

#: One microsecond to two minutes, three significant digits.
_LOWEST, _HIGHEST, _DIGITS = 1, 120_000_000, 3
#: Seconds to wait for the last calls.
_LAST_CALLS_SECONDS = 15.0


@dataclass(slots=True)
class Latencies:
    """The latencies of calls, in microseconds.

    Attributes:
        histogram: latencies from when a call was due.
        answers: calls by result (a rung or an exception's name).
        late: late calls by result.
        lag: how long after it was due a call started, because the load generator itself was busy.
    """

    histogram: HdrHistogram = field(
        default_factory=lambda: HdrHistogram(_LOWEST, _HIGHEST, _DIGITS)
    )
    answers: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    lag: HdrHistogram = field(default_factory=lambda: HdrHistogram(_LOWEST, _HIGHEST, _DIGITS))

    def add(self, seconds: float, lag: float, answer: str, *, late: bool) -> None:
        """Add one call."""
        _record(self.histogram, seconds)
        _record(self.lag, lag)
        self.answers[answer] += 1
        self.late[answer] += late

    def merge(self, other: Latencies) -> None:
        """Add another round's calls."""
        self.histogram.add(other.histogram)
        self.lag.add(other.lag)
        self.answers += other.answers
        self.late += other.late

    @property
    def calls(self) -> int:
        """The number of calls."""
        return self.answers.total()

    def ms(self, percentile: float) -> float:
        """Return a percentile of the latencies in milliseconds."""
        return _ms(self.histogram, percentile)

    def lag_ms(self, percentile: float) -> float:
        """Return a percentile of the lag in milliseconds."""
        return _ms(self.lag, percentile)

    def as_json(self) -> dict[str, object]:
        """Return JSON values, with percentiles in milliseconds."""
        named = {
            f"p{percentile:g}_ms": self.ms(percentile) for percentile in (50, 90, 99, 99.9, 100)
        }
        return {
            "calls": self.calls,
            **named,
            "answers": dict(self.answers),
            "late": dict(+self.late),
            "lag_p99_ms": self.lag_ms(99),
        }


def _record(histogram: HdrHistogram, seconds: float) -> None:
    histogram.record_value(min(max(round(1e6 * seconds), _LOWEST), _HIGHEST))


def _ms(histogram: HdrHistogram, percentile: float) -> float:
    return round(float(histogram.get_value_at_percentile(percentile)) / 1000.0, 2)


async def open_loop(
    ask: Callable[[int], Awaitable[str]],
    calls: int,
    rate: float,
    *,
    limit: float = float("inf"),
    until: Callable[[], bool] = lambda: False,
) -> Latencies:
    """Call ``ask(number)`` ``rate`` times per second.

    Args:
        ask: makes one call and returns its result as a word; an exception counts by its name.
        calls: the maximum number of calls.
        rate: calls per second.
        limit: seconds from a call's start after which it is late.
        until: no call starts once this returns true.
    """
    found = Latencies()

    async def call(number: int, due: float) -> None:
        began = time.perf_counter()
        try:
            answer = await ask(number)
        except Exception as error:  # noqa: BLE001 - failures are counted
            answer = type(error).__name__
        now = time.perf_counter()
        found.add(now - due, began - due, answer, late=now - began > limit)

    gc.collect()
    gc.disable()  # pauses of the load generator are not the hook's
    try:
        tasks = set()
        begin = time.perf_counter() + 0.05
        for number in range(calls):
            if until():
                break
            due = begin + number / rate
            pause = due - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            task = asyncio.create_task(call(number, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_CALLS_SECONDS)
        for task in tasks:
            task.cancel()
        found.answers["no answer"] += len(tasks)
        found.late["no answer"] += len(tasks)
    finally:
        gc.enable()
    return found
