"""An open loop: calls begin when they are due, whether the ones before are answered or not.

A call's latency counts from when it was due, not from when it was sent. So a pause costs every call that was due in it, as it does
in the field (coordinated omission; Tene, "How NOT to measure latency", 2013), and nothing has to be corrected afterwards.
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
#: Seconds that the last calls are waited for.
_PATIENCE = 15.0


@dataclass(slots=True)
class Latencies:
    """Latencies in microseconds, how many calls ended how (a rung, or an error's name), and how many of them too late.

    ``lag`` is how long after it was due a call began: what the caller's own process had to wait for its turn.
    """

    histogram: HdrHistogram = field(
        default_factory=lambda: HdrHistogram(_LOWEST, _HIGHEST, _DIGITS)
    )
    answers: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    lag: HdrHistogram = field(default_factory=lambda: HdrHistogram(_LOWEST, _HIGHEST, _DIGITS))

    def add(self, seconds: float, lag: float, answer: str, *, late: bool) -> None:
        """Take in one call."""
        _record(self.histogram, seconds)
        _record(self.lag, lag)
        self.answers[answer] += 1
        self.late[answer] += late

    def merge(self, other: Latencies) -> None:
        """Take in another round's calls."""
        self.histogram.add(other.histogram)
        self.lag.add(other.lag)
        self.answers += other.answers
        self.late += other.late

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return self.answers.total()

    def ms(self, percentile: float) -> float:
        """A percentile in milliseconds."""
        return _ms(self.histogram, percentile)

    def lag_ms(self, percentile: float) -> float:
        """The same of the lag."""
        return _ms(self.lag, percentile)

    def as_json(self) -> dict[str, object]:
        """Plain values: percentiles in milliseconds."""
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
    """Call ``ask(number)`` ``rate`` times a second; what it returns says how it was answered.

    Args:
        ask: one call; an error that it raises is counted by its name.
        calls: how many at most.
        rate: calls a second.
        limit: seconds that a call may take from when it began; one that takes longer is late.
        until: no more calls begin when this is true.
    """
    found = Latencies()

    async def call(number: int, due: float) -> None:
        began = time.perf_counter()
        try:
            answer = await ask(number)
        except Exception as error:  # noqa: BLE001 - whatever fails is a figure here
            answer = type(error).__name__
        now = time.perf_counter()
        found.add(now - due, began - due, answer, late=now - began > limit)

    gc.collect()
    gc.disable()  # the generator's own pauses are not the hook's
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
            await asyncio.wait(tasks, timeout=_PATIENCE)
        for task in tasks:
            task.cancel()
        found.answers["no answer"] += len(tasks)
        found.late["no answer"] += len(tasks)
    finally:
        gc.enable()
    return found
