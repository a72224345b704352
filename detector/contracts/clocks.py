"""Comparisons of the two clocks: the log's and the device's.

The log's time decides windows, expiry, rates and the order of learning. The device's time describes
habits, such as the hour of the day. Times are seconds since the epoch.

The core calls the log's time of a record ``at``. It is the time at which the broker appended the
record, or the time of arrival if there is no broker. A stream on disk has no log time; the event's
own time takes its place.
"""

from __future__ import annotations

from detector.contracts.events import IntentEvent

__all__ = ["ahead", "apart"]


def ahead(event: IntentEvent, at: float, skew: float) -> float | None:
    """Return by how many whole seconds the device's clock is ahead of the log's.

    Return ``None`` if the clocks differ by more than ``skew`` seconds in either direction. The
    device's time then says nothing about habits, and the caller uses the log's time instead.
    """
    by = event.seconds - at
    return float(round(by)) if abs(by) <= skew else None


def apart(at: float, then: float) -> float:
    """Return the number of seconds between two log times, whichever is later.

    The log's time can go backwards: slightly when a partition's leader changes, and by years after
    a record with a wrong timestamp. A window therefore ends in both directions, and a timestamp in
    the future cannot keep it open.

    >>> apart(100.0, 160.0) == apart(160.0, 100.0) == 60.0
    True
    """
    return abs(at - then)
