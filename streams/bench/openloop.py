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
    """Latencies in microseconds, how many calls ended how (a rung, or an error's name), and how many were slower than the limit."""

    histogram: HdrHistogram = field(default_factory=lambda: HdrHistogram(_LOWEST, _HIGHEST, _DIGITS))
    answers: Counter[str] = field(default_factory=Counter)
    late: int = 0

    def add(self, seconds: float, answer: str, limit: float) -> None:
        """Take in one call."""
        self.histogram.record_value(min(max(round(1e6 * seconds), _LOWEST), _HIGHEST))
        self.answers[answer] += 1
        self.late += seconds > limit

    def merge(self, other: Latencies) -> None:
        """Take in another round's calls."""
        self.histogram.add(other.histogram)
        self.answers += other.answers
        self.late += other.late

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return self.answers.total()

    def ms(self, percentile: float) -> float:
        """A percentile in milliseconds."""
        return round(float(self.histogram.get_value_at_percentile(percentile)) / 1000.0, 2)

    def as_json(self) -> dict[str, object]:
        """Plain values: percentiles in milliseconds."""
        named = {f"p{percentile:g}_ms": self.ms(percentile) for percentile in (50, 90, 99, 99.9, 100)}
        return {"calls": self.calls, **named, "answers": dict(self.answers), "late": self.late}


async def open_loop(
    ask: Callable[[int], Awaitable[str]], calls: int, rate: float, *, limit: float = float("inf")
) -> Latencies:
    """Call ``ask(number)`` ``rate`` times a second; what it returns says how it was answered.

    Args:
        ask: one call; an error that it raises is counted by its name.
        calls: how many.
        rate: calls a second.
        limit: seconds after which a call counts as late.
    """
    found = Latencies()

    async def call(number: int, due: float) -> None:
        try:
            answer = await ask(number)
        except Exception as error:  # noqa: BLE001 - whatever fails is a figure here
            answer = type(error).__name__
        found.add(time.perf_counter() - due, answer, limit)

    gc.collect()
    gc.disable()  # the generator's own pauses are not the hook's
    try:
        tasks = set()
        begin = time.perf_counter() + 0.05
        for number in range(calls):
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
        found.late += len(tasks)
    finally:
        gc.enable()
    return found
