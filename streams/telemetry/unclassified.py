"""Log messages about intents that no rule of the policy names."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from detector.contracts.decisions import Decision
from detector.policy.unclassified import is_unclassified

__all__ = ["UnclassifiedLog"]

logger = logging.getLogger(__name__)

#: How often one intent is logged, in seconds, and how many intents are logged within that time:
#: a client that invents names must not fill the log.
_INTERVAL_SECONDS, _MOST = 3600.0, 20


class UnclassifiedLog:
    """Logs which intents are unclassified; ``clock`` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged: dict[str, float] = {}

    def record(self, decision: Decision) -> None:
        """Log the intent of a decision, unless it or too many others were logged recently."""
        if not is_unclassified(decision):
            return
        now = self._clock()
        self._logged = {
            intent: at for intent, at in self._logged.items() if now - at < _INTERVAL_SECONDS
        }
        if decision.intent in self._logged or len(self._logged) >= _MOST:
            return
        self._logged[decision.intent] = now
        logger.warning(
            "no rule of the policy names %s; it counts as %s and is never allowed "
            "without a confirmation; name it in the policy",
            decision.intent,
            decision.risk_class.value,
        )
