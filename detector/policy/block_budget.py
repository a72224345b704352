"""The block budget: what was blocked of late in one tenant's households, as a share of the commands that were decided.

A wrong bundle blocks everything. The budget bounds the damage: once it is spent, blocks become confirms, and an alert says so.
Each tenant has a window of its own, so no tenant can spend the budget of another. Within a tenant, each household counts for at
most a share of the window as the others see it: one household alone cannot turn the blocks of another into questions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from detector.contracts.decisions import Decision, Verdict
from detector.policy.policy import BlockBudget

__all__ = ["HOUSEHOLD_SHARE", "MAX_HOMES", "BlockWindow", "is_block", "is_repeat"]

#: What one household counts for at most in its tenant's window, as a share of the window, when another household is decided on.
HOUSEHOLD_SHARE = 0.25
#: Households that a window follows one by one, those with the latest commands; a household that floods is always among them.
MAX_HOMES = 256
#: Blocked intents that are remembered of one household, the latest; to block one of them again counts for nothing.
_INTENTS = 32
_SMALLEST = 1e-9
#: Reasons of a verdict that repeats an earlier one: the command was refused, or is still being asked about.
_REPEATS = frozenset({"denied_before", "awaiting_confirmation", "too_many_open"})

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Home:
    """One household: its decayed commands and blocks, how much of them the others see, and when it was blocked, by intent."""

    seconds: float = 0.0
    commands: float = 0.0
    blocks: float = 0.0
    seen_commands: float = 0.0
    seen_blocks: float = 0.0
    blocked: Mapping[str, float] = field(default_factory=dict)

    def aged(self, seconds: float, budget: BlockBudget) -> _Home:
        kept = _kept(self.seconds, seconds, budget)
        return _Home(
            seconds,
            self.commands * kept,
            self.blocks * kept,
            self.seen_commands * kept,
            self.seen_blocks * kept,
            self.blocked,
        )


@dataclass(frozen=True, slots=True)
class BlockWindow:
    """One tenant's commands and blocks, each worth less the older it is: after the budget's window a third is left (``exp(-1)``).

    ``seconds`` is the log's time of the latest command. ``commands`` and ``blocks`` are what all households together may be seen to
    have; ``homes`` are the latest of them, by id. A worker's windows begin empty at every start.
    """

    seconds: float = 0.0
    commands: float = 0.0
    blocks: float = 0.0
    homes: Mapping[str, _Home] = field(default_factory=dict)

    def after(
        self, seconds: float, budget: BlockBudget, *, household: str, intent: str, blocked: bool
    ) -> BlockWindow:
        """Return the window with one more command, decided at ``seconds`` of the log's time.

        The window never goes back, for partitions do not keep step, and one command moves it on by its length at most: a stamp in the
        far future passes. An intent of a household that was blocked within the window and is blocked again changes nothing.
        """
        furthest = self.seconds + budget.window_seconds if self.homes else seconds
        latest = min(max(seconds, self.seconds), furthest)
        kept = _kept(self.seconds, latest, budget)
        commands, blocks = self.commands * kept, self.blocks * kept
        home = self.homes.get(household, _Home(latest)).aged(latest, budget)
        if blocked and latest - home.blocked.get(intent, -math.inf) < budget.window_seconds:
            return self
        # A share of a window that says something: while it says nothing yet, the first household would otherwise be all of it.
        most = HOUSEHOLD_SHARE * max(commands, budget.least_commands)
        more_commands = min(1.0, max(max(most, 1.0) - home.seen_commands, 0.0))
        more_blocks = min(
            float(blocked), max(max(budget.share * most, 1.0) - home.seen_blocks, 0.0)
        )
        home = replace(
            home,
            commands=home.commands + 1.0,
            blocks=home.blocks + blocked,
            seen_commands=home.seen_commands + more_commands,
            seen_blocks=home.seen_blocks + more_blocks,
            blocked=_latest({**home.blocked, intent: latest}, intent, _INTENTS)
            if blocked
            else home.blocked,
        )
        homes = _latest({**self.homes, household: home}, household, MAX_HOMES)
        return BlockWindow(latest, commands + more_commands, blocks + more_blocks, homes)

    def without(self, household: str) -> BlockWindow:
        """Return the window without what it remembers of one household."""
        return replace(
            self, homes={name: home for name, home in self.homes.items() if name != household}
        )

    def spent(self, budget: BlockBudget, household: str) -> bool:
        """Return whether more was blocked than the budget allows, as ``household`` sees it: its own blocks count in full.

        >>> window = BlockWindow()
        >>> for number in range(300):
        ...     window = window.after(1.0, BlockBudget(), household=f"h{number}", intent="a.A", blocked=True)
        >>> window.spent(BlockBudget(), "h1")
        True
        """
        commands, blocks = self._seen_by(household, budget)
        return commands >= budget.least_commands and blocks > budget.share * commands

    def left(self, budget: BlockBudget, seconds: float) -> float:
        """Return the share of the budget that is left at ``seconds``: 1.0 while there are too few commands to say, negative when spent.

        >>> BlockWindow(commands=1000.0, blocks=25.0).left(BlockBudget(share=0.1), 0.0)
        0.75
        """
        if self.commands * _kept(self.seconds, seconds, budget) < budget.least_commands:
            return 1.0
        # A budget of nothing is spent by the first block.
        return 1.0 - self.blocks / max(budget.share * self.commands, _SMALLEST)

    def _seen_by(self, household: str, budget: BlockBudget) -> tuple[float, float]:
        home = self.homes.get(household)
        if home is None:
            return self.commands, self.blocks
        home = home.aged(self.seconds, budget)
        return (
            self.commands - home.seen_commands + home.commands,
            self.blocks - home.seen_blocks + home.blocks,
        )


def is_block(decision: Decision) -> bool:
    """Return whether a decision is a block, or would be one but for the budget: softened ones count, or the budget would swing."""
    return decision.verdict is Verdict.BLOCK or any(
        reason.code == "block_budget" for reason in decision.reasons
    )


def is_repeat(decision: Decision) -> bool:
    """Return whether a decision repeats a refusal: that says nothing new of the bundle, and anybody could cause it at will."""
    return any(reason.code in _REPEATS for reason in decision.reasons)


def _kept(before: float, after: float, budget: BlockBudget) -> float:
    return math.exp(min(before - after, 0.0) / budget.window_seconds)


def _latest(found: dict[str, V], name: str, most: int) -> dict[str, V]:
    """Return the mapping with ``name`` last, and without its first entry where it has more than ``most``."""
    found[name] = found.pop(name)
    if len(found) > most:
        del found[next(iter(found))]
    return found
