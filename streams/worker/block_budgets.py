"""Block budgets of the worker: one window for each tenant, for a bounded number of tenants."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent
from detector.policy.block_budget import BlockWindow, is_block, is_counted
from detector.policy.policy import BlockBudget
from streams.telemetry.recording import show_blocks
from streams.wire.tenancy import tenant_of

__all__ = ["BlockBudgets"]

#: Tenants whose windows are kept, most recently used first. A dropped window starts empty again, so
#: its tenant's blocks are not relaxed.
_TENANTS = 256
#: Seconds of log time between updates of all windows: an exhausted budget also recovers while its
#: tenant sends nothing.
_LOOK_EVERY = 1.0


class BlockBudgets:
    """Counts the recently blocked commands of each tenant.

    The windows are in memory, start empty, and count only this worker's decisions; a replay with
    other workers may therefore differ. A decision that a budget changed has the reason
    ``block_budget``. Nothing else depends on the budgets.
    """

    def __init__(self) -> None:
        self._windows: OrderedDict[str, BlockWindow] = OrderedDict()
        self._left: dict[str, float] = {}
        self._looked = 0.0

    def spent(self, household_id: str, budget: BlockBudget) -> bool:
        """Return whether the budget is exhausted: a household's blocks become questions."""
        window = self._windows.get(tenant_of(household_id))
        return window is not None and window.spent(budget, household_id)

    def forget(self, household_id: str) -> None:
        """Forget the blocks of an erased household; its tenant's total is kept."""
        tenant = tenant_of(household_id)
        if tenant in self._windows:
            self._windows[tenant] = self._windows[tenant].without(household_id)

    def forget_all(self) -> None:
        """Forget the blocks of all households, which may move; keep their tenants' totals."""
        for tenant, window in self._windows.items():
            self._windows[tenant] = replace(window, households={})

    def count(
        self, event: IntentEvent, decision: Decision, budget: BlockBudget, *, at: float
    ) -> None:
        """Count a decision made at ``at``, in seconds of log time."""
        if not is_counted(event, decision):
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
