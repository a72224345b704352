"""Runs a shadow bundle in the worker: its decisions are counted and compared, never sent."""

from __future__ import annotations

import logging
from collections import OrderedDict
from itertools import product

from detector.contracts.decisions import Decision, RiskClass, Verdict
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.shadow import decide_in_shadow, settle_in_shadow
from detector.household.state import HouseholdState
from streams.telemetry import metrics
from streams.telemetry.logs import log_decision

__all__ = ["Shadow"]

logger = logging.getLogger(__name__)

#: Households whose sessions are followed, most recently used first. They are in memory only.
_HOUSEHOLDS = 5_000


class Shadow:
    """Decides again what the worker decided. Its failures are counted and change nothing else."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._states: OrderedDict[str, HouseholdState] = OrderedDict()
        for active, verdict, risk in product(Verdict, Verdict, RiskClass):
            metrics.SHADOW_COMMANDS.labels(bundle.version, active.value, verdict.value, risk.value)

    def decided(
        self,
        before: HouseholdState,
        event: IntentEvent,
        active: Decision,
        trace: bytes,
        *,
        at: float,
    ) -> None:
        """Decide on an event that the worker has decided on.

        Args:
            before: the worker's state of the household before the event.
            event: the event.
            active: the worker's decision.
            trace: the ``traceparent`` of the decision.
            at: the log time of the event, in seconds since the epoch.
        """
        name = event.household_id
        own = self._states.pop(name, None) or HouseholdState.new(name)
        try:
            decision, self._states[name] = decide_in_shadow(own, before, event, self.bundle, at=at)
        except Exception:
            metrics.SHADOW_FAILURES.inc()
            logger.exception(
                "the shadow bundle %s failed on an event of %s", self.bundle.version, event.intent
            )
            return
        if len(self._states) > _HOUSEHOLDS:
            self._states.popitem(last=False)
        if not event.commits:
            return
        verdicts = active.verdict.value, decision.verdict.value
        metrics.SHADOW_COMMANDS.labels(
            self.bundle.version, *verdicts, decision.risk_class.value
        ).inc()
        if active.verdict is not decision.verdict:
            log_decision(logger, "shadow", decision, trace, active=active.verdict.value)

    def settled(self, active: HouseholdState, event_id: str, *, at: float) -> None:
        """Apply an outcome at log time ``at``; ``active`` is the worker's state after it."""
        own = self._states.get(active.household_id)
        if own is None:
            return
        try:
            self._states[active.household_id] = settle_in_shadow(own, active, event_id, at=at)
        except Exception:
            metrics.SHADOW_FAILURES.inc()
            logger.exception("the shadow bundle %s failed on an outcome", self.bundle.version)

    def forget(self, household_id: str) -> None:
        """Forget an erased household."""
        self._states.pop(household_id, None)

    def clear(self) -> None:
        """Forget every household: another worker may own them next."""
        self._states.clear()
