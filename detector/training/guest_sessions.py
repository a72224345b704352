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

#: A session of one command is replaced less often. It says so little that a guest's command looks
#: like background talk, and too many of them teach the judge to allow what is foreign.
_ALONE = 0.4


def with_visits(
    sessions: Sequence[Sequence[IntentEvent]],
    elsewhere: Sequence[Sequence[IntentEvent]],
    rng: np.random.Generator,
    share: float,
) -> list[list[IntentEvent]]:
    """Replace a share of a household's sessions by sessions of others, at the same time and device.

    The other session was held at the same hour of the day, if there is one: guests unlock doors in
    the evening as well. Otherwise unusual hours would seem to be meant.

    Args:
        sessions: the household's sessions in order.
        elsewhere: sessions of other households; if there are none, nothing is replaced.
        rng: source of randomness.
        share: probability that a dialogue is replaced, in [0, 1]; that of a session of one command
            is lower.
    """
    by_hour: dict[int, list[Sequence[IntentEvent]]] = {}
    for session in elsewhere:
        by_hour.setdefault(session[0].time.hour, []).append(session)
    lived = []
    for session in sessions:
        if session and elsewhere and rng.random() < share * _likely(session):
            visits = by_hour.get(session[0].time.hour, elsewhere)
            lived.append(moved(visits[int(rng.integers(len(visits)))], session[0]))
        else:
            lived.append(list(session))
    return lived


def _likely(session: Sequence[IntentEvent]) -> float:
    return _ALONE if len(session) == 1 and session[0].commits else 1.0


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
