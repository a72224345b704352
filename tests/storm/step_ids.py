"""The count of ids for each step of a campaign: what became of the calls that began during it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tests.storm.load import Call

__all__ = ["StepIds", "ids_by_step"]


@dataclass(frozen=True, slots=True)
class StepIds:
    """The ids of one step.

    Attributes:
        step: its name.
        asked: ids of calls that began during it.
        answered: ids whose call returned a decision, of any rung.
        by_worker: ids that a worker answered.
        logged: ids in the log of intents.
        decided: ids in the log of decisions.
    """

    step: str
    asked: int
    answered: int
    by_worker: int
    logged: int
    decided: int

    @property
    def ok(self) -> bool:
        """Whether every call was answered and every logged event decided."""
        return self.answered == self.asked and self.decided == self.logged

    @property
    def row(self) -> str:
        """The step as a row of a table."""
        numbers = (self.asked, self.answered, self.by_worker, self.logged, self.decided)
        return f"| {self.step} | {' | '.join(map(str, numbers))} |"


def ids_by_step(
    steps: Sequence[tuple[str, float]],
    begun: Mapping[str, float],
    calls: Sequence[Call],
    logged: Collection[str],
    decided: Collection[str],
) -> list[StepIds]:
    """Count the ids of each step.

    Args:
        steps: the name of each step and its beginning, in their order.
        begun: the beginning of each call, by id. Calls before the first step are left out.
        calls: the calls that were answered.
        logged: the ids in the log of intents.
        decided: the ids in the log of decisions.
    """
    beginnings = [began for _, began in steps]
    answered = {call.event.event_id for call in calls if call.decision is not None}
    by_worker = {call.event.event_id for call in calls if call.answered_by_worker}
    found: list[Counter[str]] = [Counter() for _ in steps]
    groups = {
        "answered": answered,
        "by_worker": by_worker,
        "logged": set(logged),
        "decided": set(decided),
    }
    for event_id, began in begun.items():
        number = bisect_right(beginnings, began) - 1
        if number >= 0:
            found[number]["asked"] += 1
            found[number].update(name for name, ids in groups.items() if event_id in ids)
    return [
        StepIds(name, *(counts[each] for each in ("asked", *groups)))
        for (name, _), counts in zip(steps, found, strict=True)
    ]
