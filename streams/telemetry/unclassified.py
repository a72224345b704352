"""Which intents no rule of the policy names: told in the log as they come, and found in the log of decisions afterwards."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from detector.contracts.decisions import Decision
from detector.policy.unclassified import is_unclassified

__all__ = ["Notices"]

logger = logging.getLogger(__name__)

#: Each intent is told once in so many seconds, and so many intents at most: a caller who invents names fills no log.
_AGAIN_SECONDS, _MOST = 3600.0, 20


class Notices:
    """Says in the log which intents are unclassified. ``clock`` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, float] = {}

    def saw(self, decision: Decision) -> None:
        """Tell about a decision's intent, unless it was told lately, or too many were."""
        if not is_unclassified(decision):
            return
        now = self._clock()
        self._told = {intent: at for intent, at in self._told.items() if now - at < _AGAIN_SECONDS}
        if decision.intent in self._told or len(self._told) >= _MOST:
            return
        self._told[decision.intent] = now
        logger.warning(
            "no rule of the policy names %s; it counts as %s and is asked about each time; name it in the policy",
            decision.intent,
            decision.risk_class.value,
        )
