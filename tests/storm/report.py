"""What a campaign found, as values, as JSON and as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from tests.storm.counting import Count
from tests.storm.load import Call
from tests.storm.step_ids import StepIds

__all__ = ["Phase", "Report", "phase_of", "seconds_until_workers_answer"]

#: Seconds of the windows in which the share of workers' answers is taken, and that share.
_WINDOW, _SHARE = 1.0, 0.99


@dataclass(frozen=True)
class Phase:
    """The calls from one fault until the next.

    Attributes:
        fault: its name.
        calls: calls in that time; ``by_worker`` of them were answered by a worker.
        late: calls answered after their deadline.
        p50_ms: half of the workers' answers took less.
        p99_ms: 99 % of the workers' answers took less.
        waited_s: seconds from the fault until workers answered 99 % of the calls again, for good.
        calm: whether workers alone answered in the end.
    """

    fault: str
    calls: int
    by_worker: int
    late: int
    p50_ms: float
    p99_ms: float
    waited_s: float
    calm: bool

    @property
    def row(self) -> str:
        """The phase as a row of a table."""
        back = f"{self.waited_s:.1f} s" if self.calm else "never"
        return (
            f"| {self.fault} | {self.calls} | {self.by_worker} | {self.late} | {self.p50_ms:.0f} |"
            f" {self.p99_ms:.0f} | {back} |"
        )


@dataclass(frozen=True)
class Report:
    """A whole campaign."""

    seed: int
    rate: float
    deadline_ms: int
    seconds: float
    phases: Sequence[Phase]
    skipped: Sequence[str]
    count: Count
    load_average: float
    reasons: Mapping[str, int] = field(default_factory=dict)
    steps: Sequence[StepIds] = ()

    @property
    def ok(self) -> bool:
        """Whether the count is right, and faults were caused and survived."""
        return (
            self.count.ok
            and bool(self.phases)
            and all(phase.calm for phase in self.phases)
            and all(step.ok for step in self.steps)
        )

    @property
    def conclusion(self) -> str:
        """The result in a sentence."""
        if not self.phases:
            return "FAILED: no fault was caused"
        if not self.ok:
            return "FAILED"
        skipped = f" {len(self.skipped)} faults were skipped." if self.skipped else ""
        return f"Nothing was lost, applied twice or late in {len(self.phases)} steps.{skipped}"

    def as_json(self) -> dict[str, object]:
        """Return JSON values."""
        return asdict(self) | {"ok": self.ok}

    def as_markdown(self) -> str:
        """Return the report as a page."""
        setting = (
            f"{self.rate:g} calls/s for {self.seconds:.0f} s, deadline {self.deadline_ms} ms, seed"
            f" {self.seed}, load average {self.load_average:.1f}"
        )
        lines = [
            setting,
            "",
            "| fault | calls | by a worker | late | p50 ms | p99 ms | workers back after |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *(each.row for each in self.phases),
            "",
            "| ids of the calls during | asked | answered | by a worker | logged | decided |",
            "|---|---:|---:|---:|---:|---:|",
            *(each.row for each in self.steps),
            "",
            "| count | ids |",
            "|---|---:|",
            *(f"| {name} | {number} |" for name, number in self.count.numbers().items()),
            "",
            f"Reasons of other answers: {dict(self.reasons)}",
            *(f"Skipped: {each}" for each in self.skipped),
            "",
            self.conclusion,
            "",
        ]
        return "\n".join(lines)


def phase_of(fault: str, calls: Sequence[Call], began: float, *, calm: bool) -> Phase:
    """Return the figures of a fault that began at a time of ``time.monotonic``."""
    times = [1000 * call.seconds for call in calls if call.answered_by_worker]
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    return Phase(
        fault=fault,
        calls=len(calls),
        by_worker=len(times),
        late=sum(call.late for call in calls),
        p50_ms=round(cuts[49], 1),
        p99_ms=round(cuts[98], 1),
        waited_s=round(seconds_until_workers_answer(calls, began), 1),
        calm=calm,
    )


def seconds_until_workers_answer(calls: Sequence[Call], began: float) -> float:
    """Return the seconds from a fault to the end of the last window with too few such answers."""
    windows: dict[int, list[bool]] = {}
    for call in calls:
        windows.setdefault(int((call.began - began) / _WINDOW), []).append(call.answered_by_worker)
    bad = [number for number, good in windows.items() if sum(good) < _SHARE * len(good)]
    if not bad:
        return 0.0
    last = max(call.began for call in calls if not call.answered_by_worker)
    return min(last - began, (max(bad) + 1) * _WINDOW)
