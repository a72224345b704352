"""``misfire demo``."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Broker, Json
from streams.cli.output import console, note, progress_report, table, write_json

if TYPE_CHECKING:
    from streams.local.demo.summary import Summary
    from streams.local.stack import Stack


def demo(
    seed: Annotated[int, typer.Option(help="Random seed of the population.", min=0)] = 0,
    broker: Broker = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Print the addresses and keep everything running until Ctrl-C."
        ),
    ] = False,
    households: Annotated[
        int, typer.Option(help="Number of households to train the bundle on.", min=30)
    ] = 120,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            help="Directory of a bundle trained on the output of 'misfire simulate'; default: "
            "train one.",
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Run the whole system: simulate, train, start broker, worker and gateway, decide commands.

    Exit code 1 if a story came out wrong.
    """
    from streams.files.bundles import read_bundle, write_bundle
    from streams.local.demo.play import Scale, make_bundle, make_world, play
    from streams.local.stack import Stack

    # SIGTERM has to stop the child processes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    trained = read_bundle(bundle) if bundle else None
    with (
        tempfile.TemporaryDirectory(prefix="misfire-demo-") as folder,
        Stack(Path(folder) / "bundle", broker=broker, producer_time=True) as stack,
    ):
        made = f"created {len(stack.created)} topics of up to {stack.partitions} partitions"
        note(f"1. {'Broker' if broker else 'Embedded broker'} on {stack.bootstrap}; {made}.")
        with progress_report() as report:
            world = make_world(seed, Scale(households=households), report)
            deciding = trained or make_bundle(world, seed, report)
        if bundle:
            stack.bundle = bundle
        else:
            write_bundle(deciding, stack.bundle)
        misfires = len(world.misfires)
        note(
            f"2. Simulated {households} households with {len(world.clean):,} meant events; "
            f"left out {misfires:,} events of misfires."
        )
        note(f"3. {'Using' if trained else 'Trained'} bundle {deciding.version}.")
        with console().status("starting worker and gateway"):
            stack.start_worker()
            stack.start_gateway()
        note(f"4. Worker ready on {stack.worker_url}, gateway on {stack.gateway_url}.")
        summary = play(stack, world, seed=seed, bars=progress_report, console=console())
        _show(summary)
        write_json(json, summary.as_json())
        if keep:
            _wait(stack)
    if not summary.ok:
        raise typer.Exit(1)


def _show(summary: Summary) -> None:
    rows = [
        [
            name,
            " or ".join(result.wanted) if len(result.wanted) < 3 else "an answer in time",
            result.call.decision.verdict,
            "ran" if result.executed else "did not run",
            result.call.decision.rung,
            "right" if not result.problems else " ".join(result.problems),
        ]
        for name, result in summary.results.items()
    ]
    table("6. Summary", ["story", "wanted", "verdict", "command", "rung", ""], rows)
    counts = summary.counts
    note(
        f"{counts.sent:,} events, {counts.decided:,} decisions: {counts.lost} lost, "
        f"{counts.doubled} doubled, {counts.dead_letters} dead letters."
    )
    note(f"Meant commands interrupted: {summary.interrupted}. Misfires stopped: {summary.stopped}.")
    for rung, taken in summary.hook_ms.items():
        note(
            f"Hook, rung {rung}: p50 {taken['p50']} ms, p99 {taken['p99']} ms "
            f"({taken['count']:.0f} answers)."
        )


def _wait(stack: Stack) -> None:
    note(
        f"Still running: Kafka {stack.bootstrap}, gateway {stack.gateway_url}/docs, "
        f"worker {stack.worker_url}/metrics. Stop with Ctrl-C."
    )
    signal.pause()
