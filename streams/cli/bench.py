"""``misfire bench train``, ``step`` and ``state``; ``hdfs``, ``schonlau`` and ``slurp`` are in published.py, ``change`` in change.py."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.bench_change import change
from streams.cli.bench_hook import attacks, hook, storm
from streams.cli.bench_published import hdfs, schonlau, slurp
from streams.cli.options import Json, Seed, Stream
from streams.cli.output import console, progress_report, table, write_json
from streams.errors import UsageError

app = typer.Typer(
    help="Measure against the alternatives in one run, or against what others published.",
    no_args_is_help=True,
)
app.command()(hook)
app.command()(storm)
app.command()(attacks)
app.command()(change)
app.command()(hdfs)
app.command()(schonlau)
app.command()(slurp)


@app.command()
def train(
    stream: Stream,
    test: Annotated[Path, typer.Option(help="Stream that perplexity is measured on.")],
    labels: Annotated[
        Path | None, typer.Option(help="Its labels; labelled events are left out.")
    ] = None,
    states: Annotated[int, typer.Option(help="States of hmmlearn's model.", min=2)] = 64,
    iterations: Annotated[int, typer.Option(help="EM iterations of hmmlearn's model.", min=1)] = 20,
    json: Json = None,
) -> None:
    """Fit the cloned HMM and hmmlearn's CategoricalHMM to the same stream. hmmlearn takes minutes."""
    from streams.files.events import read_events, read_meant
    from streams.local.bench.model_speed import bench_train

    tested = read_meant(test, labels)
    with console().status(
        "fitting both models; hmmlearn takes about ten seconds per iteration on 80,000 events"
    ):
        found = bench_train(read_events(stream), tested, states=states, iterations=iterations)
    _show("fitting a sequence model", asdict(found))
    write_json(json, found)


@app.command()
def step(
    stream: Stream,
    bundle: Annotated[Path, typer.Option(help="Directory of the bundle that decides.")],
    events: Annotated[int, typer.Option(help="How many events to time.", min=50)] = 2_000,
    json: Json = None,
) -> None:
    """Time one event through the whole pipeline, against hmmlearn scoring the session again."""
    from streams.files.bundles import read_bundle
    from streams.files.events import read_events
    from streams.local.bench.model_speed import bench_step

    timed = read_events(stream)[:events]
    if not any(event.commits for event in timed):
        raise UsageError(
            f"none of the first {events} events of {stream} commits anything; there is no judgement to time"
        )
    chosen = read_bundle(bundle)
    with console().status("timing"):
        found = bench_step(timed, chosen)
    _show("one event, microseconds (p50)", asdict(found))
    write_json(json, found)


@app.command()
def state(
    bundle: Annotated[Path, typer.Option(help="Directory of the bundle that decides.")],
    stream: Annotated[
        Path | None,
        typer.Option(
            help="Let this stream's households live, said again and again, instead of simulated ones."
        ),
    ] = None,
    households: Annotated[int, typer.Option(help="How many households.", min=1)] = 21,
    events: Annotated[int, typer.Option(help="How many events each.", min=1)] = 10_000,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Count the bytes of a household in table and changelog after many events, packed and in simpler forms, and at most."""
    from streams.files.bundles import read_bundle
    from streams.files.events import read_events
    from streams.local.bench.state_size import bench_state, repeated, simulated

    chosen = read_bundle(bundle)
    histories = (
        simulated(households, events, seed=seed)
        if stream is None
        else repeated(read_events(stream), households, events)
    )
    with progress_report() as report:
        found = bench_state(histories, chosen, progress=report, households=households)
    _show("bytes of a household (medians), microseconds (p50)", asdict(found))
    write_json(json, found)


def _show(title: str, figures: dict[str, float]) -> None:
    table(
        title,
        ["figure", "value"],
        [[name.replace("_", " "), f"{value:,}"] for name, value in figures.items()],
    )
