"""The tables of ``misfire evaluate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from streams.cli.output import table

if TYPE_CHECKING:
    from detector.evaluation.ablation import Worth
    from detector.evaluation.evaluate import Evaluation
    from detector.evaluation.learning_curve import Group
    from detector.evaluation.reliability import Budget, Reliability

__all__ = ["show_evaluation", "show_worth"]


def show_evaluation(title: str, found: Evaluation, excluded: Mapping[str, Sequence[str]]) -> None:
    """Print how good the decisions are.

    ``excluded`` lists the kinds ``left_out`` of training and the channels that the stream is
    ``without``.
    """
    rows = [
        *(
            [["kinds left out of training", ", ".join(excluded["left_out"])]]
            if excluded["left_out"]
            else []
        ),
        *([["decided without", ", ".join(excluded["without"])]] if excluded["without"] else []),
        ["events", f"{found.events:,}"],
        ["committing events", f"{found.committing:,}"],
        ["misfires among them", f"{found.misfires:,}"],
        ["AUROC", "-" if found.auroc is None else f"{found.auroc:.4f}"],
        *(
            [f"recall at {float(rate):.1%} false interruptions", f"{share:.4f}"]
            for rate, share in found.recall.items()
        ),
        [
            "misfires stopped by the bundle",
            "-" if found.stopped is None else f"{found.stopped:.4f}",
        ],
        ["perplexity of meant events", f"{found.perplexity:.4f}"],
        ["perplexity without the household layer", f"{found.population_perplexity:.4f}"],
        *(
            [f"interrupted though meant, {risk}", f"{share:.3%}"]
            for risk, share in found.realised_false_interruptions.items()
        ),
    ]
    table(title, ["figure", "value"], rows)
    if len(found.recall_by_kind) > 1:
        table(
            "recall by kind of misfire",
            ["kind", "number", *(f"recall at {float(rate):.1%}" for rate in found.recall)],
            [
                [kind, f"{each.misfires:,}", *(f"{share:.4f}" for share in each.recall.values())]
                for kind, each in found.recall_by_kind.items()
            ],
        )
    _show_budgets(found.budgets)
    _show_groups("events of the household before", found.learning_curve)
    _show_groups("risk class", found.by_class)
    if found.reliability is not None:
        _show_reliability(found.reliability)
        table(
            "cost per 1,000 commands at the base rate, in the policy's units",
            ["method", "cost"],
            [[way, f"{cost:.1f}"] for way, cost in found.cost_per_thousand.items()],
        )
        table(
            "questions per 1,000 commands at the base rate",
            ["policy", "questions"],
            [[policy, f"{asked:.2f}"] for policy, asked in found.questions_per_thousand.items()],
        )


def _show_budgets(groups: Mapping[str, Sequence[Budget]]) -> None:
    """Print what other budgets would have interrupted."""
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
    headings = [
        "meant commands",
        "number",
        "budget",
        "interrupted",
        "within budget",
        "without p-value",
    ]
    table(
        "what other budgets would have interrupted ('new': a household's first sessions)",
        headings,
        rows,
    )


def _show_groups(heading: str, groups: Mapping[str, Group]) -> None:
    """Print verdicts and probabilities for groups of commands."""
    rows = [
        [
            name,
            f"{each.commands:,}",
            f"{each.misfires:,}",
            "-" if each.interrupted is None else f"{each.interrupted:.2%}",
            "-" if each.stopped is None else f"{each.stopped:.2%}",
            "-" if each.probability is None else f"{each.probability:.4%}",
            "-" if each.brier is None else f"{each.brier:.2e}",
            f"{each.always_base_rate:.2e}",
        ]
        for name, each in groups.items()
    ]
    headings = [
        heading,
        "commands",
        "misfires",
        "interrupted though meant",
        "stopped",
        "mean probability",
        "Brier score",
        "always the base rate",
    ]
    table(f"decisions and probabilities at the base rate, by {heading}", headings, rows)


def _show_reliability(found: Reliability) -> None:
    """Print the misfire probabilities beside the observed shares of misfires."""
    rows = [
        [
            f"{each.commands:,}",
            f"{each.misfires:,}",
            f"{each.predicted:.4%}",
            f"{each.observed:.4%}",
        ]
        for each in found.bins
    ]
    table(
        f"misfire probability at the base rate: Brier score {found.brier:.2e} (always the base "
        f"rate: {found.always_base_rate:.2e}), expected calibration error "
        f"{found.calibration_error:.2e}",
        ["commands", "misfires", "mean probability", "observed"],
        rows,
    )


def show_worth(worths: Sequence[Worth]) -> None:
    """Print how much recall is lost without each layer and each term, the largest loss first."""
    rows = [
        [
            each.name,
            str(each.terms),
            *(f"{recall:.4f}" for recall in each.recall),
            f"{each.lost:+.4f}",
        ]
        for each in (worths[0], *sorted(worths[1:], key=lambda each: -each.lost))
    ]
    columns = ["without", "terms", "recall at 0.1%", "recall at 1.0%", "lost"]
    table("the judge fitted without each layer of evidence and each term", columns, rows)
