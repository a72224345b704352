"""What the benches ask about: simulated households, every time others, each event under an id of its own."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.progress import Progress, silent
from detector.simulation.households import simulate
from detector.training.train import train
from streams.files.policy import read_policy
from streams.wire.records import INTENT, Headers

__all__ = ["Call", "Load", "make_bundle"]

_DAYS = 14


@dataclass(frozen=True, slots=True)
class Call:
    """One question, ready to be sent."""

    event: IntentEvent
    body: bytes
    headers: Headers


class Load:
    """Draws calls. The history of the simulated households ends now, and begins anew with other names when it is used up."""

    def __init__(self, *, households: int = 60, seed: int = 1, first: int = 1_000) -> None:
        start = datetime.now(UTC) - timedelta(days=_DAYS + 1)
        self._events: Sequence[IntentEvent] = simulate(
            households,
            _DAYS,
            seed=seed,
            first=first,
            start=start.replace(hour=0, minute=0, second=0),
        ).events
        # Another run's names never come again: the broker may remember them.
        self._run = secrets.token_hex(4)
        self._rounds = count()

    def draw(self, calls: int) -> list[Call]:
        """Return so many calls, in the order of their times, of households that were never asked about before."""
        drawn: list[Call] = []
        while len(drawn) < calls:
            name = f"{self._run}-{next(self._rounds)}-"
            for event in self._events[: calls - len(drawn)]:
                named = replace(
                    event,
                    event_id=f"{name}{event.event_id}",
                    household_id=f"{name}{event.household_id}",
                )
                headers = INTENT.headers(named.event_id, named.time, source="misfire/bench")
                drawn.append(Call(named, INTENT.encode(named), headers))
        return drawn


def make_bundle(progress: Progress = silent, *, households: int = 60, seed: int = 0) -> Bundle:
    """Train a bundle on households that no load has."""
    return train(
        simulate(households, _DAYS, seed=seed).events, read_policy(), seed=seed, progress=progress
    )
