"""The worker's block budgets: a window for each tenant, of a bounded number of tenants."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent
from detector.policy.block_budget import BlockWindow, is_block, is_repeat
from detector.policy.policy import BlockBudget
from streams.telemetry.recording import show_blocks
from streams.wire.tenancy import tenant_of

__all__ = ["BlockBudgets"]

#: Tenants whose windows are kept, the latest first. A window that is dropped begins empty: its tenant's blocks stay blocks.
_TENANTS = 256
#: Seconds of the log's time between two looks at all windows: one that was spent and hears nothing more is over by itself.
_LOOK_EVERY = 1.0


class BlockBudgets:
    """What each tenant's households had blocked of late.

    They are in memory alone and begin empty at every start, and a worker counts what it decides itself: a replay on other workers may
    come to another share. Each decision that a budget changed says so (``block_budget``); nothing else depends on them.
    """

    def __init__(self) -> None:
        self._windows: OrderedDict[str, BlockWindow] = OrderedDict()
        self._left: dict[str, float] = {}
        self._looked = 0.0

    def spent(self, household_id: str, budget: BlockBudget) -> bool:
        """Return whether a household's blocks become questions."""
        window = self._windows.get(tenant_of(household_id))
        return window is not None and window.spent(budget, household_id)

    def forget(self, household_id: str) -> None:
        """Forget what one household had blocked: it was erased. What its tenant had altogether stays a number."""
        tenant = tenant_of(household_id)
        if tenant in self._windows:
            self._windows[tenant] = self._windows[tenant].without(household_id)

    def forget_all(self) -> None:
        """Forget what each household had blocked: another worker may decide on them next. What each tenant had altogether stays."""
        for tenant, window in self._windows.items():
            self._windows[tenant] = replace(window, households={})

    def count(
        self, event: IntentEvent, decision: Decision, budget: BlockBudget, *, at: float
    ) -> None:
        """Count a decision made at ``at``, in seconds of the log's time; a turn without a command and a repeated refusal do not count."""
        if not event.commits or is_repeat(decision):
            return
        tenant = tenant_of(event.household_id)
        before = self._windows.pop(tenant, BlockWindow())
        window = before.after(
            at,
            budget,
            household=event.household_id,
            intent=event.intent,
            blocked=is_block(decision),
        )
        self._windows[tenant], self._left[tenant] = window, window.left(budget, at)
        if len(self._windows) > _TENANTS:
            dropped, _ = self._windows.popitem(last=False)
            del self._left[dropped]
        if abs(at - self._looked) >= _LOOK_EVERY:
            self._looked = at
            self._left = {name: each.left(budget, at) for name, each in self._windows.items()}
        show_blocks(min(self._left.values()))
