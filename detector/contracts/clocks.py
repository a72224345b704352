"""Two clocks. The log's decides: windows, expiry, rates and the order of learning. The device's describes habits, such as the hour.

Times are seconds since the epoch. The log's time of a record (``at`` everywhere in the core) is when the broker appended it, or when it
arrived where there is no broker; of a stream on disk it is the event's own time, for a file has no other.
"""

from __future__ import annotations

from detector.contracts.events import IntentEvent

__all__ = ["ahead", "apart"]


def ahead(event: IntentEvent, at: float, skew: float) -> float | None:
    """Return by how many whole seconds a device's clock is ahead of the log's; ``None`` where more than ``skew``, either way.

    A clock that is further off says nothing about habits: the log's time takes its place.
    """
    by = event.seconds - at
    return float(round(by)) if abs(by) <= skew else None


def apart(at: float, then: float) -> float:
    """Return how many seconds lie between two of the log's times, whichever is later.

    The log's time can go back: a little when a partition's leader changes, and by years after one record with a wrong stamp. A window
    around ``then`` is over in both directions, so that a stamp in the future holds nothing open.

    >>> apart(100.0, 160.0) == apart(160.0, 100.0) == 60.0
    True
    """
    return abs(at - then)
