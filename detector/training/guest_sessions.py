"""Guests and new tastes: sessions that were meant, though nothing like them was meant here before.

Real people try new things and have visitors. A judge that only ever saw households keep to their habits takes whatever is new for a
misfire; among such sessions it has to look at the chain as well.
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
    """Exchange a share of a household's sessions for what was said in others, at the same time on the same device.

    Args:
        sessions: the household's sessions in order.
        elsewhere: sessions of other households; without any, nothing is exchanged.
        rng: decides which session is exchanged, and for which.
        share: the chance of a session to be exchanged, in [0, 1].
    """
    return [
        moved(elsewhere[int(rng.integers(len(elsewhere)))], session[0])
        if session and elsewhere and rng.random() < share
        else list(session)
        for session in sessions
    ]


def moved(visit: Sequence[IntentEvent], instead: IntentEvent) -> list[IntentEvent]:
    """Return what was said elsewhere as if it had been said at the time, on the device and in the session of ``instead``."""
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
