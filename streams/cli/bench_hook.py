"""``misfire bench hook``, ``throughput``, ``storm`` and ``attacks``: measure the hook."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.options import Broker, Json, Stream, TrainedBundle, reachable_brokers
from streams.cli.output import note, progress_report, table, write_json
from streams.errors import UsageError
from streams.telemetry.logs import errors_only

__all__ = ["attacks", "hook", "storm", "throughput"]

#: Processes that use fewer microseconds of CPU per call than this are idle and not shown.
_MIN_CPU_US = 50
#: The expected result of each way's calls.
_ANSWERED = {"a": "answered", "b": "answered", "k": "answered", "c": "worker", "d": "gateway"}


def hook(
    broker: Broker = None,
    bundle: TrainedBundle = None,
    rates: Annotated[
        str, typer.Option(help="Calls per second, separated by commas.")
    ] = "100,500,1000",
    seconds: Annotated[
        float, typer.Option(help="Seconds for each way at each rate.", min=1.0)
    ] = 8.0,
    ways: Annotated[
        str,
        typer.Option(
            help="Letters of the ways to measure: a aiokafka alone, b an empty Faust agent, k the "
            "worker over Kafka, c the worker over HTTP, d the gateway without a broker."
        ),
    ] = "abkcd",
    broker_pid: Annotated[
        int | None,
        typer.Option(help="Process id of the broker given with --broker, to measure its CPU too."),
    ] = None,
    json: Json = None,
) -> None:
    """Measure the hook's latency beside aiokafka alone and an empty Faust agent (3 minutes)."""
    from streams.local.bench.hook import WAYS, bench_hook

    if not ways or not set(ways) <= WAYS.keys():
        raise UsageError(
            f"--ways {ways!r}: use letters of {''.join(WAYS)}, or leave it out to measure all"
        )
    if not all(rate.isdecimal() and 0 < int(rate) <= 100_000 for rate in rates.split(",")):
        raise UsageError(f"--rates {rates!r} must be whole numbers above 0, separated by commas")
    with _bundle(bundle, broker) as chosen:
        found = bench_hook(
            chosen,
            broker=broker,
            broker_pid=broker_pid,
            rates=[int(rate) for rate in rates.split(",")],
            seconds=seconds,
            ways=ways,
            note=note,
        )
    rows = [
        [
            f"({row.way}) {row.name}",
            f"{row.rate:,}",
            *_percentiles(row.figures),
            f"{row.ratio or ''}",
            _cpu(row.cpu_us),
        ]
        for row in found.rows
    ]
    table(
        f"milliseconds from when a call was due; {found.broker}, {found.cpus} cores, "
        f"load {found.load_average} before",
        ["way", "per second", "p50", "p90", "p99", "p99.9", "max", "p99 / (a)", "CPU µs per call"],
        rows,
    )
    for row in found.rows:
        if set(row.figures["answers"]) - {_ANSWERED[row.way]}:
            note(
                f"({row.way}) at {row.rate:,} per second had other results too: "
                f"{_answers(row.figures)}."
            )
    write_json(json, asdict(found))


def throughput(
    stream: Stream, bundle: TrainedBundle = None, broker: Broker = None, json: Json = None
) -> None:
    """Let the worker and an empty Faust agent with a table process the same backlog."""
    from streams.files.events import read_events
    from streams.local.bench.worker import bench_worker

    if broker is None:
        raise UsageError(
            "give --broker: the embedded broker does not report the ends of its topics exactly"
        )
    events = read_events(stream)
    with _bundle(bundle, broker) as chosen:
        found = bench_worker(events, chosen, broker=broker, note=note)
    table(
        f"{found.events:,} records; load {found.load_average} before",
        ["process", "per second", "CPU µs per record"],
        [
            [each.name, f"{each.per_second:,.0f}", f"{each.cpu_us:,.0f}"]
            for each in (found.empty, found.worker)
        ],
    )
    note(f"The worker processes {found.share:.2f} times as many records a second as the agent.")
    write_json(json, asdict(found))


def storm(
    broker: Broker = None,
    bundle: TrainedBundle = None,
    rate: Annotated[float, typer.Option(help="Calls per second.", min=1.0, max=1_000.0)] = 40.0,
    deadline_ms: Annotated[
        int, typer.Option(help="Deadline of a call in milliseconds.", min=10, max=10_000)
    ] = 150,
    broker_pid: Annotated[
        int | None,
        typer.Option(
            help="Process id of the broker given with --broker, which is stopped for 10 s."
        ),
    ] = None,
    trouble: Annotated[
        list[str] | None, typer.Option(help="Only this trouble; can be repeated.")
    ] = None,
    json: Json = None,
) -> None:
    """Kill, stop and flood one part after another while a runtime calls the hook (2 minutes).

    Exit code 1 if a call was answered too late.
    """
    from streams.local.bench.storm import TROUBLES, bench_storm

    unknown = set(trouble or ()) - TROUBLES.keys()
    if unknown:
        raise UsageError(
            f"--trouble {sorted(unknown)[0]!r} is unknown; choose from {', '.join(TROUBLES)}"
        )
    # The hook logs every fallback.
    with _bundle(bundle, broker) as chosen, errors_only("streams.hook"):
        found = bench_storm(
            chosen,
            broker=broker,
            broker_pid=broker_pid,
            rate=rate,
            deadline_ms=deadline_ms,
            troubles=trouble or list(TROUBLES),
            note=note,
        )
    from detector.contracts.decisions import Rung

    rungs = [rung.value for rung in Rung]
    rows = [
        [
            row.trouble,
            f"{row.calls:,}",
            f"{100 * row.in_time / max(row.calls, 1):.2f} %",
            *(_in_time(row.answered.get(rung, 0), row.late.get(rung, 0)) for rung in rungs),
            f"{row.p50_ms:,.1f}",
            f"{row.p99_ms:,.1f}",
            f"{row.slowest_ms:,.1f}",
            f"{row.lag_ms:,.1f}",
        ]
        for row in found.rows
    ]
    table(
        f"calls answered within {deadline_ms} + 10 ms at the client; milliseconds from when a call "
        f"was due; {found.broker}, {found.cpus} cores, load {found.load_average} before",
        ["trouble", "calls", "on time", *rungs, "p50", "p99", "max", "client's lag"],
        rows,
    )
    for text in found.skipped:
        note(f"Skipped {text}.")
    write_json(json, asdict(found) | {"ok": found.ok})
    if not found.ok:
        raise typer.Exit(1)


def attacks(
    bundle: TrainedBundle = None,
    rate: Annotated[int, typer.Option(help="Calls per second.", min=1, max=10_000)] = 100,
    seconds: Annotated[
        float, typer.Option(help="Seconds without and with each attack.", min=1.0)
    ] = 5.0,
    attack: Annotated[
        list[str] | None, typer.Option(help="Only this attack; can be repeated.")
    ] = None,
    json: Json = None,
) -> None:
    """Attack the gateway's HTTP server in twelve ways and measure other clients' latencies.

    Takes 3 minutes.
    """
    from streams.local.bench.attacker import ATTACKS
    from streams.local.bench.http_attacks import bench_attacks

    unknown = set(attack or ()) - ATTACKS.keys()
    if unknown:
        raise UsageError(
            f"--attack {sorted(unknown)[0]!r} is unknown; choose from: {'; '.join(ATTACKS)}"
        )
    with _bundle(bundle) as chosen:
        found = bench_attacks(
            chosen, rate=rate, seconds=seconds, attacks=attack or list(ATTACKS), note=note
        )
    rows = [
        [
            row.attack,
            *(f"{row.calm[name]:,.1f}" for name in ("p50_ms", "p99_ms")),
            *(f"{row.attacked[name]:,.1f}" for name in ("p50_ms", "p99_ms")),
            f"{row.ratio:.1f}",
            f"{row.calm_mib:,.0f} → {row.attacked_mib:,.0f}",
            ", ".join(
                f"{number:,} {answer}"
                for answer, number in row.attacked["answers"].items()
                if number
            ),
        ]
        for row in found.rows
    ]
    table(
        f"milliseconds from when a call was due, {found.rate} per second; {found.cpus} cores, "
        f"load {found.load_average} before",
        ["attack", "calm p50", "p99", "attacked p50", "p99", "p99 / calm", "MiB", "answered by"],
        rows,
    )
    write_json(json, asdict(found))


def _in_time(answered: int, late: int) -> str:
    """Format how many calls a rung answered, and how many of these too late."""
    return f"{answered:,}" + (f" ({late:,} late)" if late else "") if answered else "-"


@contextmanager
def _bundle(given: Path | None, broker: str | None = None) -> Iterator[Path]:
    """Yield the given bundle, or one that is trained for this run if the broker answers.

    SIGTERM becomes an exception, so that child processes are stopped.
    """
    from streams.files.bundles import write_bundle
    from streams.local.bench.load import make_bundle

    if broker is not None:
        reachable_brokers(None, broker)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="misfire-bench-") as folder:
        if given is None:
            with progress_report() as report:
                write_bundle(make_bundle(report), Path(folder) / "bundle")
        yield given or Path(folder) / "bundle"


def _percentiles(figures: Any) -> list[str]:
    return [
        f"{figures[name]:,.1f}" for name in ("p50_ms", "p90_ms", "p99_ms", "p99.9_ms", "p100_ms")
    ]


def _answers(figures: Any) -> str:
    return ", ".join(f"{count:,} {answer}" for answer, count in figures["answers"].items() if count)


def _cpu(spent: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {used:,}" for name, used in spent.items() if used >= _MIN_CPU_US)
