"""Adding misfires to a simulated stream without any trace except in what was heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import numpy as np

from detector.contracts.events import IntentEvent
from detector.household.grouping import sessions_by_household
from detector.simulation.households.profiles import Profile, new_id
from detector.simulation.households.simulate import Simulation, recognised
from detector.simulation.misfires import ChainLibrary, LabelledSession, Mixture, inject

__all__ = ["Label", "with_misfires"]

#: (event_id, kind of misfire, chain id).
Label = tuple[str, str, str]


def with_misfires(
    simulation: Simulation,
    *,
    rate: float,
    seed: int = 0,
    mixture: Mixture = Mixture(),
    warm: float = 0.5,
    is_risky: Callable[[str], bool] = lambda _: False,
) -> tuple[list[IntentEvent], list[Label]]:
    """Return the stream with misfires, in order of time, and their labels.

    Equal arguments give equal streams.

    Args:
        simulation: the clean stream; it is not modified.
        rate: share of sessions that get a misfire.
        seed: seed of all randomness.
        mixture: the kinds of misfire, their shares and severity.
        warm: share of every household's history that stays clean.
        is_risky: whether an intent does harm if it is not meant.
    """
    grouped = sessions_by_household(simulation.events)
    library = ChainLibrary.from_sessions(grouped, is_risky=is_risky)
    events: list[IntentEvent] = []
    labels: list[Label] = []
    for number, (household, sessions) in enumerate(grouped.items()):
        rng = np.random.default_rng([seed, number, 1])
        for session in inject(sessions, library, rng, mixture=mixture, rate=rate, warm=warm):
            heard = list(_disguised(session, simulation.profiles[household], rng))
            events += heard
            labels += [
                (event.event_id, kind, str(chain))
                for event, kind, chain in zip(heard, session.labels, session.chain_ids, strict=True)
                if kind is not None
            ]
    return sorted(events, key=lambda event: (event.time, event.event_id)), labels


def _disguised(
    session: LabelledSession, profile: Profile, rng: np.random.Generator
) -> Iterator[IntentEvent]:
    """Give misfires the ids, times and speakers that this household's runtime would report."""
    if None in session.labels:
        meant = session.events[session.labels.index(None)]
        session_id, speaker = meant.session_id, meant.speaker_id
    else:
        session_id, speaker = new_id("s", rng), recognised(profile, rng)
    for event, label in zip(session.events, session.labels, strict=True):
        # A runtime's clock has a resolution of milliseconds.
        time = event.time - timedelta(microseconds=event.time.microsecond % 1000)
        event_id = event.event_id if label is None else new_id("e", rng)
        yield replace(
            event, event_id=event_id, session_id=session_id, time=time, speaker_id=speaker
        )
