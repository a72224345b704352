"""``misfire evaluate``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.evaluate_baselines import show_baselines
from streams.cli.evaluate_daily import daily
from streams.cli.evaluate_sequences import sequences
from streams.cli.evaluate_tables import show_evaluation, show_worth
from streams.cli.options import Bundle, Jobs, Json, Misfires, Plot, Seed, Severity, mixture_of
from streams.cli.output import note, progress_report, write_json
from streams.errors import UsageError

app = typer.Typer(invoke_without_command=True, subcommand_metavar="[daily …|sequences …]")
app.command()(daily)
app.command()(sequences)


@app.callback()
def evaluate(
    context: typer.Context,
    stream: Annotated[Path | None, typer.Option(help="The stream to evaluate on.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Labels of the stream's misfires.")] = None,
    train: Annotated[Path | None, typer.Option(help="Train on this stream first.")] = None,
    bundle: Bundle = None,
    policy: Annotated[
        Path | None,
        typer.Option(help="Policy file for --train; default: the packaged one."),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Kind of misfire to leave out of training, to measure detection of an unknown "
            "kind; can be repeated.",
        ),
    ] = None,
    leave_one_kind_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-kind-out",
            help="Leave the kind of misfire that the labels name out of training, to measure "
            "detection of an unknown kind.",
        ),
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHANNEL",
            help="Evaluate without 'confidences' (some runtimes report none) or 'history' (new "
            "households have none); can be repeated.",
        ),
    ] = None,
    ablate: Annotated[
        bool,
        typer.Option(
            "--ablate",
            help="Also fit the judge without each layer of evidence and each term, and report the "
            "loss; takes minutes and needs --train.",
        ),
    ] = False,
    baselines: Annotated[
        Path | None,
        typer.Option(
            metavar="STREAM",
            help="Also measure simple baselines in the same table, fitted to this stream of meant "
            "events and the same simulated misfires; give the stream that the bundle was trained "
            "on.",
        ),
    ] = None,
    kind: Misfires = None,
    severity: Severity = 0.5,
    plot: Plot = None,
    jobs: Jobs = 1,
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Measure decisions against labels: recall of misfires, false interruptions, perplexity."""
    from detector.evaluation.ablation import ablate as worth_of
    from detector.evaluation.baselines import baselines as simple
    from detector.evaluation.evaluate import RATES
    from detector.evaluation.evaluate import evaluate as measure
    from detector.evaluation.scenarios.missing_channels import CHANNELS
    from detector.evaluation.scenarios.portland import portland
    from detector.simulation.misfires import ALL_KINDS
    from detector.training.train import train as fit
    from streams.cli.parallel import processes
    from streams.cli.plots import draw_evaluation, open_canvas
    from streams.files.events import read_events, read_labels
    from streams.files.policy import read_policy
    from streams.files.starter import read_deciding

    if context.invoked_subcommand is not None:
        return
    if stream is None or labels is None:
        raise UsageError(
            "give --stream and --labels: the stream to evaluate on, and the labels of its misfires"
        )
    left_out = set(leave_out or ())
    _check_options(train, bundle, ablate=ablate, leaves_out=bool(left_out) or leave_one_kind_out)
    _refuse_unknown("--leave-out", left_out, ALL_KINDS)
    _refuse_unknown("--without", without or (), CHANNELS)
    canvas = open_canvas(plot) if plot else None
    mixture = mixture_of(kind, severity)
    misfires = read_labels(labels)
    if leave_one_kind_out:
        left_out |= _kinds_of(set(misfires.values()), ALL_KINDS)
    mixture = mixture.without(left_out)
    events = read_events(stream)
    fitted_to = read_events(baselines) if baselines else []
    for channel in sorted(set(without or ())):
        events = CHANNELS[channel](events)
    with progress_report() as report, processes(jobs) as each:
        judged = (
            fit(
                read_events(train),
                read_policy(policy),
                mixture=mixture,
                seed=seed,
                progress=report,
                each=each,
            ).bundle
            if train
            else read_deciding(bundle)
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
        simpler = (
            simple(
                fitted_to,
                events,
                set(misfires),
                judged.policy,
                rates=RATES,
                mixture=mixture,
                seed=seed,
                progress=report,
            )
            if fitted_to and misfires
            else ()
        )
    excluded = {"left_out": sorted(left_out), "without": sorted(set(without or ()))}
    show_evaluation(f"{stream.name} decided by bundle {found.bundle}", found, excluded)
    if found.unknown:
        note(
            f"{found.unknown:,} of {found.committing:,} commands have intents that the bundle was "
            "not trained on; each household's own history decided them, and the policy those that "
            "could do harm and were new there; train on a stream with these intents"
        )
    if not misfires:
        note(f"{labels} contains no labels, so there are no figures about misfires")
    if worths:
        show_worth(worths)
    compared = show_baselines(found, simpler) if simpler else {}
    if canvas:
        draw_evaluation(
            canvas, found, judged.policy.base_rate, portland(events, judged, misfires.keys()) or ()
        )
        note(f"wrote {len(canvas.written) // 2} plots as PNG and SVG to {canvas.directory}")
    ablation = {"ablation": [asdict(worth) for worth in worths]}
    write_json(json, asdict(found) | excluded | ablation | compared)


def _check_options(
    train: Path | None, bundle: Path | None, *, ablate: bool, leaves_out: bool
) -> None:
    """Check that there is one bundle to evaluate, and that training options have --train."""
    if train is not None and bundle is not None:
        raise UsageError(
            "give either --train STREAM or --bundle DIR: evaluate a new bundle or an existing one"
        )
    if ablate and train is None:
        raise UsageError("--ablate needs --train: it trains without each term to measure the loss")
    if leaves_out and train is None:
        raise UsageError(
            "--leave-out and --leave-one-kind-out need --train: they change what is trained on"
        )


def _refuse_unknown(option: str, names: Collection[str], known: Collection[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise UsageError(f"{option} {', '.join(unknown)}: unknown; choose from {', '.join(known)}")


def _kinds_of(labels: set[str], kinds: Sequence[str]) -> set[str]:
    """Return the simulated kinds that the labels name, by the whole name or one of its words.

    Raises:
        UsageError: a label does not name exactly one kind.
    """
    named = {
        label: [kind for kind in kinds if label == kind or label in kind.split("_")]
        for label in labels
    }
    unclear = sorted(label for label, found in named.items() if len(found) != 1)
    if unclear:
        raise UsageError(
            f"the labels {', '.join(unclear)} do not name one of the kinds {', '.join(kinds)}; "
            "evaluate without --leave-one-kind-out, or name a kind with --leave-out"
        )
    return {found[0] for found in named.values()}
