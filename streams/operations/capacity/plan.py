"""From a demand to processes, disk, network and cost, and what has to grow first. No I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from streams.operations.capacity.constants import MEASURED
from streams.operations.capacity.demand import Demand, Prices
from streams.operations.capacity.usage import (
    Load,
    changelog_records,
    cores,
    disk_gib,
    load_of,
    network,
    worker_gib,
)

__all__ = ["Limit", "Plan", "make_plan"]

#: The fewest partitions (the default of the settings), the most (their limit), and partitions for
#: each worker: adding some stops all workers for a moment.
_LEAST_PARTITIONS, _MOST_PARTITIONS, _ROOM = 8, 1_024, 4
_MONTH_SECONDS = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Limit:
    """What suffices up to how many households, and what to do then."""

    part: str
    households: int
    then: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a demand needs. Memory is in GiB, disk in GiB with all copies, network in MiB/s.

    Attributes:
        sets_workers: what determines the number of workers.
        sets_brokers: what determines the number of brokers.
        worker_gib: memory of one worker while another one is being replaced.
        recovery_seconds: time in which that worker recovers its table.
        changelog_records: records of the changelog, with those not compacted yet.
        network: in the busiest hour.
        cost: a month's cost by part; empty without prices.
        limits: what has to grow at how many households, the first one first.
    """

    demand: Demand
    load: Load
    partitions: int
    workers: int
    sets_workers: str
    gateways: int
    brokers: int
    sets_brokers: str
    cores: int
    worker_gib: float
    memory_gib: Mapping[str, float]
    changelog_records: int
    recovery_seconds: float
    disk_gib: Mapping[str, float]
    network: Mapping[str, float]
    cost: Mapping[str, float]
    limits: tuple[Limit, ...]


def make_plan(demand: Demand, prices: Prices | None = None) -> Plan:
    """Return what a demand needs. The demand must have no ``problems``.

    A worker and a gateway use one core each, because Python runs one thread at a time. There is one
    worker and one gateway more than the load needs, so that one can be replaced.
    """
    load = load_of(demand)
    needs = _worker_needs(demand, load)
    sets_workers = max(needs, key=lambda name: needs[name])
    workers = math.ceil(needs[sets_workers]) + 1
    partitions = _partitions(workers)
    gateway_cores = cores("gateway_cpu", load)
    gateways = math.ceil(gateway_cores / demand.busy) + 1
    records = changelog_records(demand.households, partitions)
    disk = disk_gib(demand, load, records)
    broker_needs = {
        "copies": float(demand.replication),
        "CPU": demand.replication * cores("broker_cpu", load) / demand.busy / demand.broker_cores,
        "disk": sum(disk.values()) / demand.broker_disk_gib,
    }
    sets_brokers = max(broker_needs, key=lambda name: broker_needs[name])
    brokers = math.ceil(broker_needs[sets_brokers])
    share = 1.0 / (workers - 1)
    each_gib = worker_gib(demand.households * share)
    memory = {
        "workers": workers * each_gib,
        "gateways": gateways * MEASURED["gateway_mib"].value / 1024,
        "brokers": brokers * MEASURED["broker_mib"].value / 1024,
    }
    flows = network(demand, load)
    total = workers + gateways + brokers * demand.broker_cores
    uses = {
        "core": float(total),
        "memory_gib": sum(memory.values()),
        "disk_gib": sum(disk.values()),
        "network_gib": sum(flows.values()) / demand.peak * _MONTH_SECONDS / 1024,
    }
    have = {
        **{f"worker {name}": (need, workers - 1.0) for name, need in needs.items()},
        "partitions": (needs[sets_workers], partitions - 1.0),
        "gateway CPU": (gateway_cores / demand.busy, gateways - 1.0),
        "broker CPU": (broker_needs["CPU"], float(brokers)),
        "broker disk": (broker_needs["disk"], float(brokers)),
    }
    return Plan(
        demand=demand,
        load=load,
        partitions=partitions,
        workers=workers,
        sets_workers=sets_workers,
        gateways=gateways,
        brokers=brokers,
        sets_brokers=sets_brokers,
        cores=total,
        worker_gib=each_gib,
        memory_gib=memory,
        changelog_records=round(records),
        recovery_seconds=records * share / MEASURED["recovered"].value,
        disk_gib=disk,
        network=flows,
        cost=_cost(prices, uses),
        limits=_limits(demand.households, have),
    )


#: What to do when a part no longer suffices.
_THEN: Mapping[str, str] = {
    "worker CPU": "start more workers, up to the number of partitions",
    "worker memory": "start more workers, or give each more memory",
    "worker recovery": "start more workers: each then recovers a smaller share",
    "partitions": "stop the workers and run 'misfire topics grow', at most to 1,024 partitions",
    "gateway CPU": "start more gateways behind the load balancer",
    "broker CPU": "add brokers and move partitions to them",
    "broker disk": "add brokers or disks, or shorten the retention of assistant.decisions",
}


def _worker_needs(demand: Demand, load: Load) -> dict[str, float]:
    """Return how many workers each resource needs."""
    most = _most_households(demand.worker_gib)
    # A worker has up to twice _ROOM partitions, because their number is a power of two.
    recovered = MEASURED["recovered"].value * demand.recovery_seconds
    recovered = max(recovered - changelog_records(0, 2 * _ROOM), 1.0)
    return {
        "CPU": cores("worker_cpu", load) / demand.busy,
        "memory": demand.households / most,
        "recovery": changelog_records(demand.households, 0) / recovered,
    }


def _most_households(gib: float) -> float:
    """Return how many households fit into a worker's memory."""
    fixed = MEASURED["worker_mib"].value / 1024
    each, decoded = (MEASURED[name].value / 2**20 for name in ("household_kib", "decoded_kib"))
    few = (gib - fixed) / (each + decoded)
    if few <= MEASURED["decoded"].value:
        return max(few, 1.0)
    return (gib - fixed - MEASURED["decoded"].value * decoded) / each


def _partitions(workers: int) -> int:
    wanted: int = 2 ** math.ceil(math.log2(_ROOM * workers))
    return min(max(_LEAST_PARTITIONS, wanted), _MOST_PARTITIONS)


def _limits(households: int, have: Mapping[str, tuple[float, float]]) -> tuple[Limit, ...]:
    """Return the limits from what each part needs now and what it has.

    Needs are taken as proportional to the households. The fixed part of some makes the true limit a
    little higher.
    """
    found = [
        Limit(part, int(households * there / need), _THEN[part])
        for part, (need, there) in have.items()
        if need > 0.0
    ]
    return tuple(sorted(found, key=lambda limit: limit.households))


def _cost(prices: Prices | None, uses: Mapping[str, float]) -> dict[str, float]:
    """Return the cost of each use of a month; ``uses`` are named as the prices are."""
    if prices is None or not prices.given:
        return {}
    found = {name: getattr(prices, name) * amount for name, amount in uses.items()}
    return {**found, "total": sum(found.values())}
