"""``misfire plan``: what a number of households needs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Json
from streams.cli.output import note, table, write_json
from streams.errors import UsageError

if TYPE_CHECKING:
    from streams.operations.capacity.plan import Plan

__all__ = ["plan"]

_PRICES = "Prices of a month"


def plan(
    households: Annotated[int, typer.Option(help="Number of households.")],
    commands_per_day: Annotated[
        float, typer.Option(help="Commands of one household in a day.")
    ] = 10.0,
    events_per_command: Annotated[
        float | None, typer.Option(help="Turns for each command; default: as measured.")
    ] = None,
    peak: Annotated[
        float | None,
        typer.Option(help="Busiest hour of the day over a mean hour; default: as measured."),
    ] = None,
    replication: Annotated[int, typer.Option(help="Copies of each partition.")] = 3,
    busy: Annotated[float, typer.Option(help="Share of a core to use in the busiest hour.")] = 0.5,
    worker_gib: Annotated[float, typer.Option(help="Memory of one worker in GiB.")] = 1.5,
    recovery_seconds: Annotated[
        float, typer.Option(help="Longest time for a worker to recover its households.")
    ] = 30.0,
    broker_cores: Annotated[int, typer.Option(help="Cores of one broker.")] = 4,
    broker_disk_gib: Annotated[float, typer.Option(help="Disk of one broker in GiB.")] = 1_000.0,
    price_core: Annotated[float, typer.Option(help="A core.", rich_help_panel=_PRICES)] = 0.0,
    price_memory_gib: Annotated[
        float, typer.Option(help="A GiB of memory.", rich_help_panel=_PRICES)
    ] = 0.0,
    price_disk_gib: Annotated[
        float, typer.Option(help="A GiB of disk.", rich_help_panel=_PRICES)
    ] = 0.0,
    price_network_gib: Annotated[
        float,
        typer.Option(help="A GiB sent between the parts.", rich_help_panel=_PRICES),
    ] = 0.0,
    json: Json = None,
) -> None:
    """Plan processes, disk, network and cost, and say what has to grow first.

    Every constant was measured by a command of misfire, which the last table names.
    """
    from streams.operations.capacity.constants import MEASURED
    from streams.operations.capacity.demand import Demand, Prices, problems
    from streams.operations.capacity.plan import make_plan

    measured = {"events_per_command": events_per_command, "peak": peak}
    demand = Demand(
        households=households,
        commands_per_day=commands_per_day,
        replication=replication,
        busy=busy,
        worker_gib=worker_gib,
        recovery_seconds=recovery_seconds,
        broker_cores=broker_cores,
        broker_disk_gib=broker_disk_gib,
        **{name: value for name, value in measured.items() if value is not None},
    )
    prices = Prices(
        core=price_core,
        memory_gib=price_memory_gib,
        disk_gib=price_disk_gib,
        network_gib=price_network_gib,
    )
    if wrong := problems(demand, prices):
        raise UsageError("; ".join(wrong))
    found = make_plan(demand, prices)
    _show(found)
    table(
        "measured constants",
        ["constant", "value", "meaning", "printed by"],
        [
            [name, f"{each.value:,g} {each.unit}", each.meaning, each.command]
            for name, each in MEASURED.items()
        ],
    )
    constants = {name: asdict(each) for name, each in MEASURED.items()}
    write_json(json, {**asdict(found), "constants": constants})


def _show(found: Plan) -> None:
    demand, load = found.demand, found.load
    rows = [
        ["events a day", f"{load.events_a_day:,.0f}"],
        ["events and outcomes per second, busiest hour", f"{load.requests:,.1f}"],
        ["partitions", f"{found.partitions:,}"],
        ["workers, for " + found.sets_workers, f"{found.workers:,}"],
        ["gateways", f"{found.gateways:,}"],
        ["brokers, for " + found.sets_brokers, f"{found.brokers:,}"],
        ["cores", f"{found.cores:,}"],
        ["memory of a worker", f"{found.worker_gib:,.2f} GiB"],
        *([f"memory of the {name}", f"{gib:,.1f} GiB"] for name, gib in found.memory_gib.items()),
        ["changelog", f"{found.changelog_records:,} records"],
        ["recovery of a worker's households", f"{found.recovery_seconds:,.1f} s"],
        *([f"disk of {topic}", f"{gib:,.1f} GiB"] for topic, gib in found.disk_gib.items()),
        *([f"network {way}", f"{rate:,.2f} MiB/s"] for way, rate in found.network.items()),
        *([f"cost of {name} in a month", f"{cost:,.2f}"] for name, cost in found.cost.items()),
    ]
    table(
        f"{demand.households:,} households with {demand.commands_per_day:g} commands a day, "
        f"{demand.replication} copies of each record",
        ["figure", "value"],
        rows,
    )
    table(
        "what has to grow first",
        ["part", "suffices up to households", "then"],
        [[limit.part, f"{limit.households:,}", limit.then] for limit in found.limits],
    )
    if not found.cost:
        note("For the cost of a month, give prices (--price-core and others).")
