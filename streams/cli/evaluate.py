"""``misfire evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Bundle, Json, Seed
from streams.cli.output import progress_report, table, write_json
from streams.errors import WrongUse


def evaluate(
    stream: Annotated[Path, typer.Option(help="The stream to decide on.")],
    labels: Annotated[Path, typer.Option(help="Its labels: the events that nobody meant.")],
    train: Annotated[Path | None, typer.Option(help="Train on this stream first.")] = None,
    bundle: Bundle = None,
    policy: Annotated[
        Path | None, typer.Option(help="Policy file for --train; the packaged one where it is left out.")
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="A kind of misfire that --train does not show the judge; can be repeated. How well an unknown kind is found.",
        ),
    ] = None,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Measure decisions against labels: recall of misfires, false interruptions, perplexity."""
    from detector.evaluation import evaluate as measure
    from detector.misfires import ALL_KINDS
    from detector.training import train as fit
    from streams.bundles import read_bundle, read_policy
    from streams.stream_files import read_events, read_labels

    if (train is None) == (bundle is None):
        raise WrongUse(
            "give either --train STREAM or --bundle DIR: what decides is trained now or was trained before"
        )
    unknown = sorted(set(leave_out or ()) - set(ALL_KINDS))
    if unknown or (leave_out and train is None):
        raise WrongUse(f"--leave-out goes with --train and takes one of {', '.join(ALL_KINDS)}")
    kinds = tuple(kind for kind in ALL_KINDS if kind not in (leave_out or ()))
    misfires = read_labels(labels)
    events = read_events(stream)
    with progress_report() as report:
        judged = (
            read_bundle(bundle)
            if bundle
            else fit(
                read_events(train or stream), read_policy(policy), kinds=kinds, seed=seed, progress=report
            )
        )
        found = measure(events, judged, set(misfires), progress=report)
    rows = [
        ["events", f"{found.events:,}"],
        ["committing events", f"{found.committing:,}"],
        ["misfires among them", f"{found.misfires:,}"],
        ["AUROC", "-" if found.auroc is None else f"{found.auroc:.4f}"],
        *(
            [f"recall at {float(rate):.1%} false interruptions", f"{share:.4f}"]
            for rate, share in found.recall.items()
        ),
        ["misfires stopped by the bundle", "-" if found.stopped is None else f"{found.stopped:.4f}"],
        ["perplexity of what was meant", f"{found.perplexity:.4f}"],
        ["the same without the household layer", f"{found.population_perplexity:.4f}"],
        *(
            [f"interrupted though meant, {risk}", f"{share:.3%}"]
            for risk, share in found.realised_false_interruptions.items()
        ),
    ]
    table(f"{stream.name} decided by bundle {found.bundle}", ["figure", "value"], rows)
    write_json(json, found)
