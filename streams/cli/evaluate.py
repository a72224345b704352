"""``misfire evaluate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.options import Bundle, Json, Seed
from streams.cli.output import progress_report, table, write_json
from streams.errors import WrongUse

if TYPE_CHECKING:
    from detector.reliability import Budget, Reliability


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
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Measure decisions against labels: recall of misfires, false interruptions, perplexity."""
    from detector.evaluation import evaluate as measure
    from detector.misfires import ALL_KINDS
    from detector.missing import CHANNELS
    from detector.training import train as fit
    from streams.bundles import read_bundle, read_policy
    from streams.stream_files import read_events, read_labels

    if (train is None) == (bundle is None):
        raise WrongUse(
            "give either --train STREAM or --bundle DIR: what decides is trained now or was trained before"
        )
    left_out = set(leave_out or ())
    if left_out - set(ALL_KINDS) or ((left_out or leave_one_kind_out) and train is None):
        raise WrongUse(
            f"--leave-out and --leave-one-kind-out go with --train; known kinds are {', '.join(ALL_KINDS)}"
        )
    unknown = sorted(set(without or ()) - set(CHANNELS))
    if unknown:
        raise WrongUse(f"--without {', '.join(unknown)}: what can be left out is {', '.join(CHANNELS)}")
    misfires = read_labels(labels)
    if leave_one_kind_out:
        left_out |= _kinds_of(set(misfires.values()), ALL_KINDS)
    kinds = tuple(kind for kind in ALL_KINDS if kind not in left_out)
    events = read_events(stream)
    for channel in sorted(set(without or ())):
        events = CHANNELS[channel](events)
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
        *([["kinds that the judge never saw", ", ".join(sorted(left_out))]] if left_out else []),
        *([["decided without", ", ".join(sorted(set(without)))]] if without else []),
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
    _show_budgets(found.budgets)
    if found.reliability is not None:
        _show_reliability(found.reliability)
        table(
            "cost per 1,000 commands at the base rate, in the policy's units",
            ["way of deciding", "cost"],
            [[way, f"{cost:.1f}"] for way, cost in found.cost_per_thousand.items()],
        )
    write_json(json, asdict(found) | {"left_out": sorted(left_out), "without": sorted(set(without or ()))})


def _show_budgets(groups: Mapping[str, Sequence[Budget]]) -> None:
    rows = [
        [
            name,
            f"{found.commands:,}",
            f"{found.budget:.1%}",
            f"{found.realised:.2%}",
            "yes" if found.holds else "no",
            f"{found.abstained:.1%}",
        ]
        for name, each in groups.items()
        for found in each
    ]
    headings = ["meant commands", "number", "budget", "interrupted", "holds", "without p-value"]
    table("what other budgets would have interrupted ('new': a household's first sessions)", headings, rows)


def _show_reliability(found: Reliability) -> None:
    rows = [
        [f"{each.commands:,}", f"{each.misfires:,}", f"{each.predicted:.4%}", f"{each.observed:.4%}"]
        for each in found.bins
    ]
    table(
        f"misfire probability at the base rate: Brier score {found.brier:.2e} (always the base rate: {found.always_base_rate:.2e}), "
        f"expected calibration error {found.calibration_error:.2e}",
        ["commands", "misfires", "mean probability", "came true"],
        rows,
    )


def _kinds_of(labels: set[str], kinds: Sequence[str]) -> set[str]:
    """Return the simulated kind that each label names, by its whole name or one of its words.

    Raises:
        WrongUse: a label names no kind, so that nobody knows what to leave out.
    """
    named = {label: [kind for kind in kinds if label == kind or label in kind.split("_")] for label in labels}
    unclear = sorted(label for label, found in named.items() if len(found) != 1)
    if unclear:
        raise WrongUse(
            f"the labels say {', '.join(unclear)}, which names none of the kinds {', '.join(kinds)}: the judge cannot have seen it, "
            "so evaluate without --leave-one-kind-out, or name a kind with --leave-out"
        )
    return {found[0] for found in named.values()}
