"""The demo's summary: stories, counts, interruptions, and the hook's latencies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent
from streams.local.demo.runtime import HookCall
from streams.local.demo.stories import StoryResult
from streams.local.demo.table import why
from streams.local.demo.topic_counts import Counts

__all__ = ["Share", "Summary", "summarise"]


@dataclass(frozen=True, slots=True)
class Share:
    """A count and the total that it is a part of."""

    count: int
    of: int

    def __str__(self) -> str:
        return f"{self.count} of {self.of}"


@dataclass(frozen=True, slots=True)
class Summary:
    """The results of a demo.

    Attributes:
        results: the stories' results by name.
        counts: counts of events, from the topics.
        interrupted: meant commands that were not allowed at once, in histories and stories.
        stopped: misfires that were not allowed.
        hook_ms: for each rung the number of answers, and their p50 and p99 in milliseconds.
    """

    results: Mapping[str, StoryResult]
    counts: Counts
    interrupted: Share
    stopped: Share
    hook_ms: Mapping[str, Mapping[str, float]]

    @property
    def ok(self) -> bool:
        """Whether every story came out right and every event was decided exactly once."""
        right = not any(result.problems for result in self.results.values())
        return right and not (self.counts.lost or self.counts.doubled or self.counts.dead_letters)

    def as_json(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        return {
            "ok": self.ok,
            "stories": [
                {
                    "name": name,
                    "ok": not result.problems,
                    "wanted": list(result.wanted),
                    "verdict": result.call.decision.verdict,
                    "executed": result.executed,
                    "rung": result.call.decision.rung,
                    "reason": why(result.call.decision),
                    "misfire_probability": result.call.decision.misfire_probability,
                    "problems": result.problems,
                }
                for name, result in self.results.items()
            ],
            "counts": self.counts,
            "interrupted": self.interrupted,
            "stopped": self.stopped,
            "hook_ms": self.hook_ms,
        }


def summarise(
    results: Mapping[str, StoryResult],
    traffic: Sequence[IntentEvent],
    misfires: frozenset[str],
    *,
    decisions: Mapping[str, Decision],
    calls: Sequence[HookCall],
    counts: Counts,
) -> Summary:
    """Summarise the histories (``traffic``, with the ids of its ``misfires``) and the stories."""
    meant: list[bool] = []
    unmeant: list[bool] = []
    for event in traffic:
        if event.commits and event.event_id in decisions:
            held = decisions[event.event_id].effective_verdict is not Verdict.ALLOW
            (unmeant if event.event_id in misfires else meant).append(held)
    for story in results.values():
        held = story.call.decision.effective_verdict is not Verdict.ALLOW
        (meant if story.meant else unmeant).append(held)
    milliseconds: defaultdict[str, list[float]] = defaultdict(list)
    for turn in calls:
        milliseconds[turn.decision.rung.value].append(turn.milliseconds)
    return Summary(
        results=results,
        counts=counts,
        interrupted=Share(sum(meant), len(meant)),
        stopped=Share(sum(unmeant), len(unmeant)),
        hook_ms={
            rung: {
                "count": len(taken),
                "p50": round(float(np.percentile(taken, 50)), 1),
                "p99": round(float(np.percentile(taken, 99)), 1),
            }
            for rung, taken in milliseconds.items()
        },
    )
