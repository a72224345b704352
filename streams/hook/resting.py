"""A circuit breaker for a gateway that keeps failing (Nygard, *Release It!*, 2007).

The maintained library for asyncio counts the host's cancellations as failures, measures time with
the wall clock, and raises the same exception object repeatedly; hence this class.
"""

from __future__ import annotations

__all__ = ["Rest"]


class Rest:
    """Opens for ``seconds`` after ``failures`` in a row, and again after each further failure.

    Times are readings of one monotonic clock, in seconds.
    """

    def __init__(self, failures: int, seconds: float) -> None:
        self._most = failures
        self._seconds = seconds
        self._failures = 0
        self._until = 0.0

    def active(self, now: float) -> bool:
        """Return whether requests are suspended."""
        return self._failures >= self._most and now < self._until

    def failed(self, now: float) -> None:
        """Count a failure."""
        self._failures += 1
        self._until = now + self._seconds

    def answered(self) -> None:
        """Reset the count of failures."""
        self._failures = 0
