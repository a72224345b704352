"""``misfire bench recovery``, ``soak``, ``traffic`` and ``hot``: many households, many hours."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from streams.cli.options import Broker, Bundle, Json, Seed
from streams.cli.output import console, note, progress_report, table, write_json
from streams.errors import UsageError
from streams.telemetry.logs import errors_only

__all__ = ["hot", "recovery", "soak", "traffic"]


def recovery(
    broker: Broker = None,
    bundle: Bundle = None,
    households: Annotated[
        str, typer.Option(help="Numbers of households, separated by commas.")
    ] = "1000,10000",
    versions: Annotated[
        int,
        typer.Option(
            help="Records of each household in the changelog: more than 1 if the broker has not "
            "compacted it yet.",
            min=1,
            max=1_000,
        ),
    ] = 1,
    worked: Annotated[
        int,
        typer.Option(
            help="Households that send an event after the recovery, at most.", min=0, max=1_000_000
        ),
    ] = 20_000,
    simulated: Annotated[
        int,
        typer.Option(
            help="Households to simulate; the others are copies with other ids.", min=1, max=1_000
        ),
    ] = 64,
    json: Json = None,
) -> None:
    """Measure a worker's memory and recovery with the states of many households (minutes).

    The broker must be empty.
    """
    from streams.files.starter import deciding_directory
    from streams.local.bench.recovery import bench_recovery

    numbers = households.split(",")
    if not all(each.isdecimal() and 0 < int(each) <= 10_000_000 for each in numbers):
        raise UsageError(
            f"--households {households!r} must be whole numbers from 1 to 10,000,000,"
            " separated by commas"
        )
    with progress_report() as report:
        rows = bench_recovery(
            deciding_directory(bundle),
            broker=broker,
            households=[int(each) for each in numbers],
            versions=versions,
            worked=worked,
            simulated=simulated,
            note=note,
            progress=report,
        )
    table(
        "a worker after its start, and after one event of each of the first households",
        [
            *("households", "records", "changelog MiB", "start s", "recovery s", "CPU s"),
            *("MiB when ready", "events", "MiB after them", "peak MiB"),
        ],
        [[f"{value:,}" for value in asdict(row).values()] for row in rows],
    )
    write_json(json, [asdict(row) for row in rows])


def soak(
    broker: Broker = None,
    bundle: Bundle = None,
    minutes: Annotated[float, typer.Option(help="Length in minutes.", min=0.1, max=1_440.0)] = 60.0,
    rate: Annotated[float, typer.Option(help="Calls per second.", min=0.1, max=500.0)] = 5.0,
    warm_up: Annotated[
        int,
        typer.Option(
            help="Calls before, at 20 per second, to fill the caches of the parts.",
            min=0,
            max=1_000_000,
        ),
    ] = 12_000,
    broker_pid: Annotated[
        int | None,
        typer.Option(help="Process id of the broker given with --broker, to measure it too."),
    ] = None,
    json: Json = None,
) -> None:
    """Run worker and gateway under steady traffic, and check that nothing grows.

    Exit code 1 if the memory of a part rises beyond its noise, its open files increase, a record
    became a dead letter, a call was not answered, or the worker did not answer most of them.
    """
    from streams.files.starter import deciding_directory
    from streams.local.bench.soak import bench_soak

    with errors_only("streams.hook"):  # it logs every fallback
        found = bench_soak(
            deciding_directory(bundle),
            broker=broker,
            broker_pid=broker_pid,
            minutes=minutes,
            rate=rate,
            warm_up=warm_up,
            note=note,
        )
    table(
        f"{found.minutes:,} minutes at {found.rate:g} calls per second; {found.broker}, "
        f"{100 * found.core_share:.0f} % of one core",
        ["part", "MiB", "MiB per hour", "open files", "CPU µs per call", "grows"],
        [
            [
                name,
                f"{part.mib:,}",
                f"{part.memory.per_hour:+.2f} ± {part.memory.band:.2f}",
                f"{part.files_before} → {part.files_after}",
                f"{part.cpu_us:,}",
                "no" if part.ok else "yes",
            ]
            for name, part in found.parts.items()
        ],
    )
    answers = ", ".join(f"{number:,} {answer}" for answer, number in found.answers.items())
    note(
        f"{found.calls:,} calls: {answers}; p50 {found.p50_ms} ms, p99 {found.p99_ms} ms. "
        f"{found.events:,} events applied, {found.dead_letters:,} dead letters."
    )
    write_json(json, asdict(found) | {"ok": found.ok})
    if not found.ok:
        raise typer.Exit(1)


def traffic(
    bundle: Bundle = None,
    households: Annotated[int, typer.Option(help="Households of each kind.", min=1)] = 200,
    days: Annotated[int, typer.Option(help="Simulated days.", min=1)] = 28,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Measure what simulated households send in a day, and the size of its records."""
    from streams.files.starter import read_deciding
    from streams.local.bench.traffic import KINDS, bench_traffic

    chosen = read_deciding(bundle)
    with progress_report() as report:
        found = {
            kind: bench_traffic(
                kind, chosen, households=households, days=days, seed=seed, progress=report
            )
            for kind in KINDS
        }
    table(
        f"events of {households:,} households of each kind in {days:,} days",
        ["kind", "mean a day", "p50", "p90", "p99", "commands", "busiest hour", "peak share"],
        [
            [
                kind,
                *(f"{value:,}" for value in each.events_a_day.values()),
                f"{each.commands_a_day:,}",
                f"{each.busiest_hour['most']:,.0f} commands",
                f"{100 * each.peak_share:.1f} %",
            ]
            for kind, each in found.items()
        ],
    )
    table(
        "mean bytes of a record: key, value and headers",
        ["kind", "intent", "decision", "reply", "outcome", "state"],
        [
            [kind, *(f"{size:,}" for size in asdict(each.sizes).values())]
            for kind, each in found.items()
        ],
    )
    write_json(json, {kind: asdict(each) for kind, each in found.items()})


def hot(bundle: Bundle = None, seed: Seed = 0, json: Json = None) -> None:
    """Measure a loop and a hotel under one household id beside a home (a minute)."""
    from streams.files.starter import read_deciding
    from streams.local.bench.hot_households import bench_hot

    with console().status("deciding"):
        rows = bench_hot(read_deciding(bundle), seed=seed)
    table(
        "microseconds of CPU of a decision, and the largest packed state",
        ["household", "events", "most an hour", "p50", "p99", "bytes", "over limit", "verdicts"],
        [
            [
                row.household,
                f"{row.events:,}",
                f"{row.most_an_hour:,}",
                *(f"{value:,}" for value in row.cpu_us.values()),
                f"{row.state_bytes:,}",
                f"{row.over_limit:,}",
                ", ".join(f"{number:,} {verdict}" for verdict, number in row.verdicts.items()),
            ]
            for row in rows
        ],
    )
    write_json(json, [asdict(row) for row in rows])
