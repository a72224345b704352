"""Thirty days of homes that give about twenty one-shot commands a day, with risky phantoms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.progress import Progress, silent
from detector.simulation.households import with_misfires
from detector.simulation.households.one_shot import DIALECTS, simulate_homes
from detector.simulation.misfires import Mixture

__all__ = ["DAYS", "Month", "month"]

DAYS = 30
#: A home counts if its commands a day are within these shares of the wanted number.
_FEWEST, _MOST = 0.75, 1.25
#: Homes that are simulated for each one that is wanted. Few homes give twenty commands a day.
_DRAWN = 20
#: Share of sessions with a phantom: one in about sixty commands.
_RATE = 0.017


@dataclass(frozen=True, slots=True)
class Month:
    """The commands of all homes in order of time, and the phantoms among them.

    ``phantoms`` maps the ``event_id`` of a command that nobody meant to its kind.
    """

    events: tuple[IntentEvent, ...]
    phantoms: Mapping[str, str]


def month(
    dialect: str,
    *,
    homes: int = 5,
    seed: int = 0,
    per_day: float = 20.0,
    is_risky: Callable[[str], bool],
    progress: Progress = silent,
) -> Month:
    """Simulate the homes. Equal arguments give equal months.

    The phantoms are single risky commands, drawn by their frequency in all simulated homes. They
    begin on the first day.

    Args:
        dialect: the names that the runtime reports; a key of ``DIALECTS``.
        homes: number of homes.
        seed: seed of all randomness.
        per_day: commands a day of a home on average.
        is_risky: whether an intent does harm if it is not meant.
        progress: called with (stage, done, total).

    Raises:
        NotEnoughData: too few of the simulated homes give as many commands.
    """
    everywhere = {dialect: replace(DIALECTS[dialect], share=1.0)}
    simulation = simulate_homes(
        homes * _DRAWN, DAYS, seed=seed, dialects=everywhere, progress=progress
    )
    counts = Counter(event.household_id for event in simulation.events)
    busy = [
        home
        for home in simulation.profiles
        if _FEWEST * per_day <= counts[home] / DAYS <= _MOST * per_day
    ]
    if len(busy) < homes:
        raise NotEnoughData(
            f"only {len(busy)} of {homes * _DRAWN} homes give about {per_day:g} commands a day; "
            "ask for fewer homes, or use another seed"
        )
    chosen = set(busy[:homes])
    events, labels = with_misfires(
        simulation,
        rate=_RATE,
        seed=seed,
        mixture=Mixture.of(["risky"]),
        warm=0.0,
        is_risky=is_risky,
    )
    kept = tuple(event for event in events if event.household_id in chosen)
    ids = {event.event_id for event in kept}
    return Month(kept, {event: kind for event, kind, _ in labels if event in ids})
