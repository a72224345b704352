"""``misfire evaluate``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.evaluate_sequences import sequences
from streams.cli.evaluate_tables import show_evaluation, show_worth
from streams.cli.options import Bundle, Jobs, Json, Misfires, Plot, Seed, Severity, mixture_of
from streams.cli.output import note, progress_report, write_json
from streams.errors import UsageError

app = typer.Typer(invoke_without_command=True, subcommand_metavar="[sequences …]")
app.command()(sequences)


@app.callback()
def evaluate(
    context: typer.Context,
    stream: Annotated[Path | None, typer.Option(help="The stream to decide on.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Its labels: the events that nobody meant.")
    ] = None,
    train: Annotated[Path | None, typer.Option(help="Train on this stream first.")] = None,
    bundle: Bundle = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="Policy file for --train; the packaged one where it is left out."),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="A kind of misfire that --train does not show the judge; can be repeated. How well an unknown kind is found.",
        ),
    ] = None,
    leave_one_kind_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-kind-out",
            help="Train without the kind of misfire that the labels name: how well a kind is found that the judge never saw.",
        ),
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHANNEL",
            help="Decide without it: 'confidences' (as some runtimes give none) or 'history' (as of new customers); can be repeated.",
        ),
    ] = None,
    ablate: Annotated[
        bool,
        typer.Option(
            "--ablate",
            help="Also fit the judge without each layer of evidence and each term, and say what it is worth; takes minutes, and --train.",
        ),
    ] = False,
    kind: Misfires = None,
    severity: Severity = 0.5,
    plot: Plot = None,
    jobs: Jobs = 1,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Measure decisions against labels: recall of misfires, false interruptions, perplexity."""
    from detector.evaluation.ablation import ablate as worth_of
    from detector.evaluation.evaluate import evaluate as measure
    from detector.evaluation.scenarios.missing_channels import CHANNELS
    from detector.evaluation.scenarios.portland import portland
    from detector.simulation.misfires import ALL_KINDS
    from detector.training.train import train as fit
    from streams.cli.parallel import processes
    from streams.cli.plots import draw_evaluation, open_canvas
    from streams.files.bundles import read_bundle
    from streams.files.events import read_events, read_labels
    from streams.files.policy import read_policy

    if context.invoked_subcommand is not None:
        return
    if stream is None or labels is None:
        raise UsageError(
            "give --stream and --labels: what to decide on, and which of its events nobody meant"
        )
    left_out = set(leave_out or ())
    _refuse_unclear(train, bundle, ablate=ablate, leaves_out=bool(left_out) or leave_one_kind_out)
    _refuse_unknown("--leave-out", left_out, ALL_KINDS)
    _refuse_unknown("--without", without or (), CHANNELS)
    canvas = open_canvas(plot) if plot else None
    mixture = mixture_of(kind, severity)
    misfires = read_labels(labels)
    if leave_one_kind_out:
        left_out |= _kinds_of(set(misfires.values()), ALL_KINDS)
    mixture = mixture.without(left_out)
    events = read_events(stream)
    for channel in sorted(set(without or ())):
        events = CHANNELS[channel](events)
    with progress_report() as report, processes(jobs) as each:
        judged = (
            read_bundle(bundle)
            if bundle
            else fit(
                read_events(train or stream),
                read_policy(policy),
                mixture=mixture,
                seed=seed,
                progress=report,
                each=each,
            )
        )
        found = measure(events, judged, misfires, progress=report)
        worths = (
            worth_of(
                read_events(train),
                events,
                set(misfires),
                judged.policy,
                mixture=mixture,
                seed=seed,
                progress=report,
                each=each,
            )
            if ablate and train
            else ()
        )
    apart = {"left_out": sorted(left_out), "without": sorted(set(without or ()))}
    show_evaluation(f"{stream.name} decided by bundle {found.bundle}", found, apart)
    if found.unknown:
        note(
            f"{found.unknown:,} of {found.committing:,} commands are of intents that the bundle was not trained on: "
            "the policy's rule answered them; train on a stream of this vocabulary"
        )
    if not misfires:
        note(f"{labels} holds no labels, so that nothing is said about misfires")
    if worths:
        show_worth(worths)
    if canvas:
        draw_evaluation(
            canvas, found, judged.policy.base_rate, portland(events, judged, misfires.keys()) or ()
        )
        note(f"{len(canvas.written) // 2} pictures as PNG and SVG in {canvas.directory}")
    write_json(json, asdict(found) | apart | {"ablation": [asdict(worth) for worth in worths]})


def _refuse_unclear(
    train: Path | None, bundle: Path | None, *, ablate: bool, leaves_out: bool
) -> None:
    """Refuse what does not say what decides, or asks of a bundle what only training can answer."""
    if (train is None) == (bundle is None):
        raise UsageError(
            "give either --train STREAM or --bundle DIR: what decides is trained now or was trained before"
        )
    if ablate and train is None:
        raise UsageError(
            "--ablate goes with --train: what a term is worth is found by training without it"
        )
    if leaves_out and train is None:
        raise UsageError(
            "--leave-out and --leave-one-kind-out go with --train: a bundle has seen what it has seen"
        )


def _refuse_unknown(option: str, names: Collection[str], known: Collection[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise UsageError(
            f"{option} {', '.join(unknown)}: what can be left out is {', '.join(known)}"
        )


def _kinds_of(labels: set[str], kinds: Sequence[str]) -> set[str]:
    """Return the simulated kind that each label names, by its whole name or one of its words.

    Raises:
        UsageError: a label names no kind, so that nobody knows what to leave out.
    """
    named = {
        label: [kind for kind in kinds if label == kind or label in kind.split("_")]
        for label in labels
    }
    unclear = sorted(label for label, found in named.items() if len(found) != 1)
    if unclear:
        raise UsageError(
            f"the labels say {', '.join(unclear)}, which names none of the kinds {', '.join(kinds)}: the judge cannot have seen it, "
            "so evaluate without --leave-one-kind-out, or name a kind with --leave-out"
        )
    return {found[0] for found in named.values()}
