"""What a capacity plan is for: the households, how they speak, and the machines to use."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from streams.operations.capacity.constants import MEASURED

__all__ = ["Demand", "Prices", "problems"]

#: The smallest and largest value of each field.
_RANGES = {
    "households": (1, 100_000_000),
    "commands_per_day": (0.01, 10_000),
    "events_per_command": (1, 100),
    "peak": (1, 24),
    "replication": (1, 16),
    "busy": (0.05, 0.95),
    "worker_gib": (0.25, 256),
    "recovery_seconds": (1, 3_600),
    "broker_cores": (1, 256),
    "broker_disk_gib": (1, 1_000_000),
    "core": (0, 1_000_000),
    "memory_gib": (0, 1_000_000),
    "disk_gib": (0, 1_000_000),
    "network_gib": (0, 1_000_000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The load, and what one process may use.

    Attributes:
        households: number of households.
        commands_per_day: commands of one household in a day.
        events_per_command: turns for each command; more than 1 in dialogues.
        peak: events in the busiest hour of the day, over those in a mean hour.
        replication: copies of each partition.
        busy: share of a core that is used in the busiest hour.
        worker_gib: memory of one worker.
        recovery_seconds: longest time for a worker to recover its table.
        broker_cores: cores of one broker.
        broker_disk_gib: disk of one broker.
    """

    households: int
    commands_per_day: float
    events_per_command: float = MEASURED["events_per_command"].value
    peak: float = MEASURED["peak"].value
    replication: int = 3
    busy: float = 0.5
    worker_gib: float = 1.5
    recovery_seconds: float = 30.0
    broker_cores: int = 4
    broker_disk_gib: float = 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices of a month, in any currency; 0 leaves a part out of the cost.

    Attributes:
        core: one core.
        memory_gib: one GiB of memory.
        disk_gib: one GiB of disk.
        network_gib: one GiB between the parts.
    """

    core: float = 0.0
    memory_gib: float = 0.0
    disk_gib: float = 0.0
    network_gib: float = 0.0

    @property
    def given(self) -> bool:
        """Whether there is any price."""
        return any(getattr(self, each.name) for each in fields(self))


def problems(*given: Demand | Prices) -> list[str]:
    """Return a sentence for each value that is out of its range."""
    found = []
    for value in given:
        for each in fields(value):
            least, most = _RANGES[each.name]
            number = getattr(value, each.name)
            if not (math.isfinite(number) and least <= number <= most):
                option = each.name.replace("_", "-")
                prefix = "price-" if isinstance(value, Prices) else ""
                found.append(
                    f"--{prefix}{option} {number:g} must be a number from {least:,} to {most:,}"
                )
    return found
