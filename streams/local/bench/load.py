"""Calls for the benchmarks, from simulated households with new ids in every run."""

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
    """One event, encoded for sending."""

    event: IntentEvent
    body: bytes
    headers: Headers


class Load:
    """Draws calls from simulated histories that end now.

    Once all events are used, it starts over with new ids.
    """

    def __init__(self, *, households: int = 60, seed: int = 1, first: int = 1_000) -> None:
        start = datetime.now(UTC) - timedelta(days=_DAYS + 1)
        self._events: Sequence[IntentEvent] = simulate(
            households,
            _DAYS,
            seed=seed,
            first=first,
            start=start.replace(hour=0, minute=0, second=0),
        ).events
        # A broker may still have another run's households, so ids are unique to this run.
        self._run = secrets.token_hex(4)
        self._rounds = count()

    def draw(self, calls: int) -> list[Call]:
        """Return ``calls`` calls in order of time, from households that were never used before."""
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
    """Train a bundle on households that are in no load."""
    return train(
        simulate(households, _DAYS, seed=seed).events, read_policy(), seed=seed, progress=progress
    ).bundle
