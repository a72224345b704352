"""Leaving a gateway alone that failed again and again (circuit breaker; Nygard, *Release It!*, 2007).

Own lines instead of a library: the kept one for coroutines counts the host's own cancellations as failures of the gateway, measures
the rest by the wall clock, so that a clock set back stretches it, and raises one and the same exception again and again.
"""

from __future__ import annotations

__all__ = ["Rest"]


class Rest:
    """After ``failures`` in a row the gateway rests for ``seconds``; after that, a single further failure begins the next rest.

    Times are those of one monotonic clock, in seconds.
    """

    def __init__(self, failures: int, seconds: float) -> None:
        self._most = failures
        self._seconds = seconds
        self._failures = 0
        self._until = 0.0

    def holds(self, now: float) -> bool:
        """Return whether the gateway is to be left alone."""
        return self._failures >= self._most and now < self._until

    def failed(self, now: float) -> None:
        """Count a failure."""
        self._failures += 1
        self._until = now + self._seconds

    def answered(self) -> None:
        """Forget earlier failures."""
        self._failures = 0
