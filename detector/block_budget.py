"""The block budget: what a worker blocked of late, as a share of the commands that it decided on.

A wrong bundle blocks everything. The budget bounds the damage: once it is spent, blocks become confirms, and whoever watches is told.
It is a worker's, not a household's: a replay on other workers may come to another share, and every decision that it changed says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from detector.decisions import Decision, Verdict
from detector.policy import BlockBudget

__all__ = ["BlockWindow", "is_block"]


@dataclass(frozen=True, slots=True)
class BlockWindow:
    """Commands and blocks, each worth less the older it is: after the budget's window a third is left (``exp(-1)``).

    ``seconds`` is the time of the latest event. The worker's window begins empty at every start.
    """

    seconds: float = 0.0
    commands: float = 0.0
    blocks: float = 0.0

    def after(self, seconds: float, budget: BlockBudget, *, blocked: bool) -> BlockWindow:
        """Return the window with one more command, decided at ``seconds`` of the events' time; it never goes back."""
        latest = max(seconds, self.seconds)
        kept = math.exp((self.seconds - latest) / budget.window_seconds)
        return BlockWindow(latest, self.commands * kept + 1.0, self.blocks * kept + blocked)

    def spent(self, budget: BlockBudget) -> bool:
        """Return whether more was blocked than the budget allows.

        >>> window = BlockWindow()
        >>> for _ in range(300):
        ...     window = window.after(1.0, BlockBudget(), blocked=True)
        >>> window.spent(BlockBudget())
        True
        """
        return self.commands >= budget.least_commands and self.blocks > budget.share * self.commands

    def left(self, budget: BlockBudget) -> float:
        """Return the share of the budget that is left, in [0, 1]; all of it while there are too few commands to say.

        >>> BlockWindow(commands=1000.0, blocks=25.0).left(BlockBudget(share=0.1))
        0.75
        """
        if self.commands < budget.least_commands:
            return 1.0
        return max(1.0 - self.blocks / (budget.share * self.commands), 0.0) if budget.share else 0.0


def is_block(decision: Decision) -> bool:
    """Return whether a decision is a block, or would be one but for the budget: softened ones count, or the budget would swing."""
    return decision.verdict is Verdict.BLOCK or any(
        reason.code == "block_budget" for reason in decision.reasons
    )
