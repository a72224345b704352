"""A shadow bundle in the worker: what it would have decided is counted beside what was decided, and answers nobody."""

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

#: Households whose conversations are followed, the latest first. They are not kept when the worker ends: a shadow begins anew.
_HOUSEHOLDS = 5_000


class Shadow:
    """Decides again on what the worker has decided. Whatever goes wrong here is counted, and changes nothing there."""

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
            before: the household's state before the event, as the worker has it.
            event: the event.
            active: the worker's decision.
            trace: the ``traceparent`` of what led to it.
            at: the log's time of the event.
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
        """Take in what became of a command at the log's time ``at``; ``active`` is the household afterwards, as the worker has it."""
        own = self._states.get(active.household_id)
        if own is None:
            return
        try:
            self._states[active.household_id] = settle_in_shadow(own, active, event_id, at=at)
        except Exception:
            metrics.SHADOW_FAILURES.inc()
            logger.exception("the shadow bundle %s failed on an outcome", self.bundle.version)

    def forget(self, household_id: str) -> None:
        """Forget a household: it was erased."""
        self._states.pop(household_id, None)

    def clear(self) -> None:
        """Forget every household: somebody else may decide on them next."""
        self._states.clear()
