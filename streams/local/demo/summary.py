"""What came out: the stories, the counts, the interruptions, and how long the hook took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detector.contracts.decisions import Decision, Verdict
from detector.contracts.events import IntentEvent
from streams.local.demo.runtime import Asked
from streams.local.demo.stories import Told
from streams.local.demo.table import why
from streams.local.demo.topic_counts import Counts

__all__ = ["Share", "Summary", "summarise"]


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    def __str__(self) -> str:
        return f"{self.count} of {self.of}"


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that the demo found out.

    Attributes:
        told: the stories by name.
        counts: of events, in the topics.
        interrupted: commands that were meant and not allowed at once, in histories and stories.
        stopped: commands that nobody meant and that were not allowed.
        hook_ms: per rung, how many answers and their median and 99th percentile in milliseconds.
    """

    told: Mapping[str, Told]
    counts: Counts
    interrupted: Share
    stopped: Share
    hook_ms: Mapping[str, Mapping[str, float]]

    @property
    def ok(self) -> bool:
        """Whether every story came out right and every event was decided on, once."""
        right = not any(told.problems for told in self.told.values())
        return right and not (self.counts.lost or self.counts.doubled or self.counts.dead_letters)

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "ok": self.ok,
            "stories": [
                {
                    "name": name,
                    "ok": not told.problems,
                    "wanted": list(told.wanted),
                    "verdict": told.asked.decision.verdict,
                    "executed": told.executed,
                    "rung": told.asked.decision.rung,
                    "reason": why(told.asked.decision),
                    "misfire_probability": told.asked.decision.misfire_probability,
                    "problems": told.problems,
                }
                for name, told in self.told.items()
            ],
            "counts": self.counts,
            "interrupted": self.interrupted,
            "stopped": self.stopped,
            "hook_ms": self.hook_ms,
        }


def summarise(
    told: Mapping[str, Told],
    traffic: Sequence[IntentEvent],
    misfires: frozenset[str],
    *,
    decisions: Mapping[str, Decision],
    asked: Sequence[Asked],
    counts: Counts,
) -> Summary:
    """Put together what happened in the histories (``traffic``, of which nobody meant ``misfires``) and in the stories."""
    meant: list[bool] = []
    unmeant: list[bool] = []
    for event in traffic:
        if event.commits and event.event_id in decisions:
            held = decisions[event.event_id].effective_verdict is not Verdict.ALLOW
            (unmeant if event.event_id in misfires else meant).append(held)
    for story in told.values():
        held = story.asked.decision.effective_verdict is not Verdict.ALLOW
        (meant if story.meant else unmeant).append(held)
    milliseconds: defaultdict[str, list[float]] = defaultdict(list)
    for turn in asked:
        milliseconds[turn.decision.rung.value].append(turn.milliseconds)
    return Summary(
        told=told,
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
