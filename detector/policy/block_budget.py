"""The block budget: a limit on the share of one tenant's recent commands that may be blocked.

A bad bundle may block everything. The budget bounds the damage: once it is exhausted, blocks
become confirms and an alert fires. Each tenant has its own window and cannot exhaust the budget of
another. Within a tenant, the other households see at most a fixed share of the window from any one
household. One household alone therefore cannot turn the blocks of another into questions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from detector.contracts.decisions import Decision, Verdict, verdict_of_model
from detector.contracts.events import IntentEvent
from detector.policy.policy import BlockBudget

__all__ = [
    "HOUSEHOLD_SHARE",
    "MAX_HOUSEHOLDS",
    "BlockWindow",
    "is_block",
    "is_counted",
    "is_repeat",
]

#: The largest share of a tenant's window that one household fills in the view of the others.
HOUSEHOLD_SHARE = 0.25
#: Households tracked per window, the most recently active ones. A household that floods the tenant
#: with commands is always among them.
MAX_HOUSEHOLDS = 256
#: Blocked intents tracked per household, the latest ones. Repeated blocks are not counted.
_INTENTS = 32
_SMALLEST = 1e-9
#: Reason codes of a verdict that repeats an earlier one: the command was refused before, or its
#: question is still open.
_REPEATS = frozenset({"denied_before", "awaiting_confirmation", "too_many_open"})

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Household:
    """Decayed counts of one household.

    ``commands`` and ``blocks`` are the household's own view. ``seen_commands`` and ``seen_blocks``
    are the capped counts that the other households see. ``blocked`` maps an intent to the time of
    its last block.
    """

    seconds: float = 0.0
    commands: float = 0.0
    blocks: float = 0.0
    seen_commands: float = 0.0
    seen_blocks: float = 0.0
    blocked: Mapping[str, float] = field(default_factory=dict)

    def aged(self, seconds: float, budget: BlockBudget) -> _Household:
        kept = _kept(self.seconds, seconds, budget)
        return _Household(
            seconds,
            self.commands * kept,
            self.blocks * kept,
            self.seen_commands * kept,
            self.seen_blocks * kept,
            self.blocked,
        )


@dataclass(frozen=True, slots=True)
class BlockWindow:
    """The commands and blocks of one tenant, with exponential decay.

    After ``window_seconds`` of the budget, a command keeps a third of its weight (``exp(-1)``).
    A worker starts with empty windows.

    Attributes:
        seconds: log time of the latest command.
        commands: decayed commands of all households, each household capped.
        blocks: decayed blocks of all households, each household capped.
        households: the most recently active households, by id.
    """

    seconds: float = 0.0
    commands: float = 0.0
    blocks: float = 0.0
    households: Mapping[str, _Household] = field(default_factory=dict)

    def after(
        self, seconds: float, budget: BlockBudget, *, household: str, intent: str, blocked: bool
    ) -> BlockWindow:
        """Return the window with one more command, decided at log time ``seconds``.

        Partitions progress at different speeds, so the window never moves back. One command moves
        it forward by at most its own length, which limits the effect of a timestamp far in the
        future. Blocking an intent that was blocked in the same household within the window changes
        nothing.
        """
        furthest = self.seconds + budget.window_seconds if self.households else seconds
        latest = min(max(seconds, self.seconds), furthest)
        kept = _kept(self.seconds, latest, budget)
        commands, blocks = self.commands * kept, self.blocks * kept
        own = self.households.get(household, _Household(latest)).aged(latest, budget)
        if blocked and latest - own.blocked.get(intent, -math.inf) < budget.window_seconds:
            return self
        # Without the floor, the first household of a nearly empty window would fill all of it.
        most = HOUSEHOLD_SHARE * max(commands, budget.least_commands)
        more_commands = min(1.0, max(max(most, 1.0) - own.seen_commands, 0.0))
        more_blocks = min(float(blocked), max(max(budget.share * most, 1.0) - own.seen_blocks, 0.0))
        own = replace(
            own,
            commands=own.commands + 1.0,
            blocks=own.blocks + blocked,
            seen_commands=own.seen_commands + more_commands,
            seen_blocks=own.seen_blocks + more_blocks,
            blocked=_latest({**own.blocked, intent: latest}, intent, _INTENTS)
            if blocked
            else own.blocked,
        )
        households = _latest({**self.households, household: own}, household, MAX_HOUSEHOLDS)
        return BlockWindow(latest, commands + more_commands, blocks + more_blocks, households)

    def without(self, household: str) -> BlockWindow:
        """Return the window with one household forgotten."""
        return replace(
            self,
            households={name: own for name, own in self.households.items() if name != household},
        )

    def spent(self, budget: BlockBudget, household: str) -> bool:
        """Return whether the budget is exhausted for ``household``, whose own blocks count in full.

        >>> window = BlockWindow()
        >>> for number in range(300):
        ...     window = window.after(
        ...         1.0, BlockBudget(), household=f"h{number}", intent="a.A", blocked=True
        ...     )
        >>> window.spent(BlockBudget(), "h1")
        True
        """
        commands, blocks = self._seen_by(household, budget)
        return commands >= budget.least_commands and blocks > budget.share * commands

    def left(self, budget: BlockBudget, seconds: float) -> float:
        """Return the share of the budget that is left at log time ``seconds``.

        The share is negative once the budget is exhausted, and 1.0 while the window has fewer than
        ``least_commands``.

        >>> BlockWindow(commands=1000.0, blocks=25.0).left(BlockBudget(share=0.1), 0.0)
        0.75
        """
        if self.commands * _kept(self.seconds, seconds, budget) < budget.least_commands:
            return 1.0
        # With a budget of zero, the first block exhausts it.
        return 1.0 - self.blocks / max(budget.share * self.commands, _SMALLEST)

    def _seen_by(self, household: str, budget: BlockBudget) -> tuple[float, float]:
        own = self.households.get(household)
        if own is None:
            return self.commands, self.blocks
        own = own.aged(self.seconds, budget)
        return (
            self.commands - own.seen_commands + own.commands,
            self.blocks - own.seen_blocks + own.blocks,
        )


def is_block(decision: Decision) -> bool:
    """Return whether the model's verdict is a block, or would be one without the block budget.

    Softened blocks count too; otherwise the budget would oscillate. Blocks of a rule do not count:
    they say nothing about the bundle.
    """
    return verdict_of_model(decision) is Verdict.BLOCK or any(
        reason.code == "block_budget" for reason in decision.reasons
    )


def is_repeat(decision: Decision) -> bool:
    """Return whether a decision repeats a refusal.

    A repetition says nothing new about the bundle, and anyone can cause it at will.
    """
    return any(reason.code in _REPEATS for reason in decision.reasons)


def is_counted(event: IntentEvent, decision: Decision) -> bool:
    """Return whether a decision counts in its window: turns and repeated refusals do not."""
    return event.commits and not is_repeat(decision)


def _kept(before: float, after: float, budget: BlockBudget) -> float:
    return math.exp(min(before - after, 0.0) / budget.window_seconds)


def _latest(found: dict[str, V], name: str, most: int) -> dict[str, V]:
    """Move ``name`` to the end, and drop the first entry if there are more than ``most``."""
    found[name] = found.pop(name)
    if len(found) > most:
        del found[next(iter(found))]
    return found
