"""What a load uses: CPU, memory, records, disk and network, from the measured constants. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from streams.kafka.topics import (
    CHANGELOG_SEGMENT,
    CHANGELOG_SUPERSEDED,
    DECISIONS,
    HOUSEHOLDS,
    INTENTS,
    OUTCOMES,
    REPLIES,
    TOPICS,
)
from streams.operations.capacity.constants import MEASURED
from streams.operations.capacity.demand import Demand

__all__ = ["Load", "changelog_records", "cores", "disk_gib", "load_of", "network", "worker_gib"]

_DAY_MS, _DAY, _GIB, _MIB, _KIB = 86_400_000, 86_400.0, 2**30, 2**20, 2**10
#: A record in a batch of its own: 61 bytes of batch header and about 9 of record header (Kafka's
#: protocol guide, "Record Batch"). At low rates every record has a batch of its own.
_BATCH_BYTES = 70


@dataclass(frozen=True, slots=True)
class Load:
    """Events and commands of all households in a day, and per second in the busiest hour."""

    events_a_day: float
    commands_a_day: float
    events: float
    commands: float

    @property
    def requests(self) -> float:
        """Events and outcomes per second in the busiest hour; each command has one outcome."""
        return self.events + self.commands


def load_of(demand: Demand) -> Load:
    """Return the load of a demand."""
    commands = demand.households * demand.commands_per_day
    events = commands * demand.events_per_command
    return Load(events, commands, events * demand.peak / _DAY, commands * demand.peak / _DAY)


def cores(constant: str, load: Load) -> float:
    """Return the cores that a part keeps busy in the busiest hour."""
    return load.requests * MEASURED[constant].value / 1e6


def worker_gib(households: float) -> float:
    """Return the memory of a worker with so many households, in GiB."""
    decoded = min(households, MEASURED["decoded"].value)
    kib = households * MEASURED["household_kib"].value + decoded * MEASURED["decoded_kib"].value
    return MEASURED["worker_mib"].value / 1024 + kib * _KIB / _GIB


def changelog_records(households: float, partitions: int) -> float:
    """Return the records of the changelog, with those that are not compacted yet.

    Args:
        households: the households in it.
        partitions: its partitions; each has an open segment, which the broker does not compact.
    """
    segment = CHANGELOG_SEGMENT / _record("state")
    return households / (1.0 - CHANGELOG_SUPERSEDED) + partitions * segment


def disk_gib(demand: Demand, load: Load, records: float) -> dict[str, float]:
    """Return the disk of each topic with all copies, in GiB; ``records`` are the changelog's.

    Topics that have few records are left out: incidents, dead letters, labels, rules,
    bundles and shadows' verdicts.
    """
    a_day = {
        INTENTS: load.events_a_day * _record("intent"),
        DECISIONS: load.events_a_day * _record("decision"),
        REPLIES: (load.events_a_day + load.commands_a_day) * _record("reply"),
        OUTCOMES: load.commands_a_day * _record("outcome"),
    }
    kept = {topic.name: topic.kept / _DAY_MS for topic in TOPICS}
    # A reply topic's twenty minutes may be those of the busiest hour.
    kept[REPLIES] *= demand.peak
    found = {name: size * kept[name] for name, size in a_day.items()}
    found[HOUSEHOLDS] = records * _record("state")
    return {name: demand.replication * size / _GIB for name, size in found.items()}


def network(demand: Demand, load: Load) -> dict[str, float]:
    """Return the traffic in the busiest hour in MiB/s: to, from and between the brokers.

    Workers read intents and outcomes, gateways the replies, and one audit reader the decisions.
    """
    asked = load.events * _record("intent") + load.commands * _record("outcome")
    answered = load.events * _record("decision") + load.requests * _record("reply")
    written = asked + answered + load.requests * _record("state")
    flows = {
        "to the brokers": written,
        "from the brokers": asked + answered,
        "between the brokers": written * (demand.replication - 1),
    }
    return {name: size / _MIB for name, size in flows.items()}


def _record(name: str) -> float:
    return MEASURED[name].value + _BATCH_BYTES
