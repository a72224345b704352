"""``misfire bench``: lists the benchmarks and implements ``train``, ``step`` and ``state``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.bench_change import change
from streams.cli.bench_embedded import embedded
from streams.cli.bench_hook import attacks, hook, storm, throughput
from streams.cli.bench_published import hdfs, schonlau, slurp
from streams.cli.bench_scale import hot, recovery, soak, traffic
from streams.cli.bench_understanding import understanding
from streams.cli.options import Json, Seed, Stream
from streams.cli.output import console, progress_report, table, write_json
from streams.errors import UsageError

app = typer.Typer(
    help="Measure beside alternatives in one run, or beside published figures.",
    no_args_is_help=True,
)
app.command()(hook)
app.command()(throughput)
app.command()(storm)
app.command()(attacks)
app.command()(embedded)
app.command()(recovery)
app.command()(soak)
app.command()(traffic)
app.command()(hot)
app.command()(change)
app.command()(hdfs)
app.command()(schonlau)
app.command()(slurp)
app.command()(understanding)


@app.command()
def train(
    stream: Stream,
    test: Annotated[Path, typer.Option(help="Stream to measure perplexity on.")],
    labels: Annotated[
        Path | None, typer.Option(help="Labels of its misfires, which are left out.")
    ] = None,
    states: Annotated[int, typer.Option(help="States of hmmlearn's model.", min=2)] = 64,
    iterations: Annotated[int, typer.Option(help="EM iterations of hmmlearn's model.", min=1)] = 20,
    json: Json = None,
) -> None:
    """Fit the cloned HMM and hmmlearn's CategoricalHMM to one stream. hmmlearn takes minutes."""
    from streams.files.events import read_events, read_meant
    from streams.local.bench.model_speed import bench_train

    tested = read_meant(test, labels)
    with console().status(
        "fitting both models; hmmlearn needs ten seconds per iteration for 80,000 events"
    ):
        found = bench_train(read_events(stream), tested, states=states, iterations=iterations)
    _show("fitting a sequence model", asdict(found))
    write_json(json, found)


@app.command()
def step(
    stream: Stream,
    bundle: Annotated[Path, typer.Option(help="Directory of the bundle.")],
    events: Annotated[int, typer.Option(help="Number of events to time.", min=50)] = 2_000,
    json: Json = None,
) -> None:
    """Time one event in the whole pipeline, beside hmmlearn scoring the session again."""
    from streams.files.bundles import read_bundle
    from streams.files.events import read_events
    from streams.local.bench.model_speed import bench_step

    timed = read_events(stream)[:events]
    if not any(event.commits for event in timed):
        raise UsageError(
            f"none of the first {events} events of {stream} is committing, "
            "so there is no judgement to time"
        )
    chosen = read_bundle(bundle)
    with console().status("timing"):
        found = bench_step(timed, chosen)
    _show("one event, microseconds (p50)", asdict(found))
    write_json(json, found)


@app.command()
def state(
    bundle: Annotated[Path, typer.Option(help="Directory of the bundle.")],
    stream: Annotated[
        Path | None,
        typer.Option(
            help="Use this stream's households, repeated as needed, instead of simulated ones."
        ),
    ] = None,
    households: Annotated[int, typer.Option(help="Number of households.", min=1)] = 21,
    events: Annotated[int, typer.Option(help="Number of events of each.", min=1)] = 10_000,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Measure the size of a household's state after many events, and its upper bound.

    The size is shown as packed for table and changelog, and in simpler formats.
    """
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
    _show("bytes of a household's state (medians), microseconds (p50)", asdict(found))
    write_json(json, found)


def _show(title: str, figures: dict[str, float]) -> None:
    table(
        title,
        ["figure", "value"],
        [[name.replace("_", " "), f"{value:,}"] for name, value in figures.items()],
    )
