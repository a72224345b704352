"""Waits until a worker knows the rules that concern an event.

Two workers that decide the same event, one of them after a crash of the other, decide it under the
same rules only if neither decides before it has read them. A rule concerns events from
``TAKES_EFFECT`` seconds of log time on, so a worker that had read all rules a second before it
decides knows them, even if the clocks of two brokers differ by a second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from detector.decision.rule_timeline import TAKES_EFFECT
from streams.telemetry import metrics

__all__ = ["CurrentRules"]

logger = logging.getLogger(__name__)

#: Seconds since all rules were read after which a worker waits. The clocks of two brokers may
#: differ by the rest of ``TAKES_EFFECT``.
_FRESH = TAKES_EFFECT - 1.0
#: Seconds since all rules were read after which a worker no longer waits. In this time it connects
#: again. While the topic has no leader, which can last longer, no rule can change either.
_PATIENCE = 3.0


class CurrentRules:
    """When a worker last had read all rules.

    Args:
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: float | None = None
        self._old = False
        self._changed = asyncio.Event()

    def read(self, at: float) -> None:
        """Note that every rule is known that was in the topic at ``at`` on the clock."""
        self._known = at
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait(self) -> None:
        """Wait until the rules are current; give up after some seconds, and count that.

        Without the topic there are no rules to wait for.
        """
        while (left := self._left()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)
        self._report()

    def _left(self) -> float:
        """Return the seconds to wait at most, 0 if the rules are current or waiting is over."""
        if self._known is None:
            return 0.0
        age = self._clock() - self._known
        return 0.0 if age <= _FRESH else max(_PATIENCE - age, 0.0)

    def _report(self) -> None:
        """Count an event that is decided under old rules, and log when that begins and ends."""
        old = self._known is not None and self._clock() - self._known > _FRESH
        if old:
            metrics.OLD_RULES.inc()
        if old is not self._old:
            self._old = old
            if old:
                logger.error(
                    "misfire.rules could not be read for %g s; events are decided under the rules"
                    " that were read before",
                    _PATIENCE,
                )
            else:
                logger.info("misfire.rules can be read again")
