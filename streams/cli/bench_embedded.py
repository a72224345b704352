"""``misfire bench embedded``: what the embedded hook costs its host."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from streams.cli.options import Json, Seed
from streams.cli.output import note, table, write_json

__all__ = ["embedded"]


def embedded(
    days: Annotated[int, typer.Option(help="Simulated days.", min=1)] = 30,
    homes: Annotated[int, typer.Option(help="Homes with one-shot commands.", min=1)] = 2,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Measure the embedded hook's start, memory and time per decision in a fresh process.

    The homes share one file with a household that speaks in dialogues.
    """
    from detector.simulation.households import simulate
    from detector.simulation.households.one_shot import simulate_homes
    from streams.local.bench.embedded import bench_embedded

    events = [
        *simulate_homes(homes, days, seed=seed).events,
        *simulate(1, days, seed=seed).events,
    ]
    found = bench_embedded(sorted(events, key=lambda event: event.time))
    rows = [
        [name, f"{each.calls:,}", kind, *(f"{value:.2f}" for value in times.values())]
        for name, each in (("committing", found.committing), ("other", found.others))
        for kind, times in (("elapsed", each.wall_ms), ("CPU", each.cpu_ms))
    ]
    table(
        f"milliseconds of decide; one core, load {found.load_average} before",
        ["events", "calls", "time", "p50", "p90", "p99", "p99.9"],
        rows,
    )
    note(
        f"Import to first decision: {found.start_seconds:.2f} s ({found.start_cpu_seconds:.2f} s "
        f"of CPU). Memory beyond the bare interpreter: {found.start_mib:.1f} MiB after the first "
        f"decision, {found.end_mib:.1f} MiB after the last. File: {found.file_bytes / 2**20:.1f} "
        "MiB."
    )
    note(
        f"With what the hook does after a call, a committing event takes "
        f"{found.committing.mean_cpu_ms:.2f} ms of CPU on average, another one "
        f"{found.others.mean_cpu_ms:.2f} ms."
    )
    write_json(json, asdict(found))
