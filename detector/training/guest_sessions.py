"""Sessions of guests and new habits: meant, although the household has never done anything similar.

Real people try new things and have visitors. A judge that only saw habits in training would take
everything new for a misfire. Such sessions teach it to consider the chain as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from detector.contracts.events import IntentEvent

__all__ = ["moved", "with_visits"]


def with_visits(
    sessions: Sequence[Sequence[IntentEvent]],
    elsewhere: Sequence[Sequence[IntentEvent]],
    rng: np.random.Generator,
    share: float,
) -> list[list[IntentEvent]]:
    """Replace a share of a household's sessions by sessions of others, at the same time and device.

    Args:
        sessions: the household's sessions in order.
        elsewhere: sessions of other households; if there are none, nothing is replaced.
        rng: source of randomness.
        share: probability that a session is replaced, in [0, 1].
    """
    return [
        moved(elsewhere[int(rng.integers(len(elsewhere)))], session[0])
        if session and elsewhere and rng.random() < share
        else list(session)
        for session in sessions
    ]


def moved(visit: Sequence[IntentEvent], instead: IntentEvent) -> list[IntentEvent]:
    """Return a session moved to the time, device, session and household of ``instead``."""
    later = instead.time - visit[0].time
    return [
        replace(
            event,
            event_id=f"{instead.event_id}~{number}",
            time=event.time + later,
            household_id=instead.household_id,
            device_id=instead.device_id,
            session_id=instead.session_id,
        )
        for number, event in enumerate(visit)
    ]
