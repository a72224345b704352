"""Tables of a bundle's training report, for ``misfire train``, ``bundle`` and ``starter``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.cli.output import note, table

if TYPE_CHECKING:
    from detector.decision.training_report import FromLog, Readiness, TrainingReport

__all__ = ["show_costs", "show_log", "show_report"]


def show_log(log: FromLog) -> None:
    """Print what a training from the log read and left out."""
    rows = [[name, f"{number:,}"] for name, number in log.counts.items()]
    rows += [
        [f"offsets of {name}", f"{first} to {end}"] for name, (first, end) in log.offsets.items()
    ]
    table("read from the log", ["what", "number"], rows)


def show_costs(readiness: Readiness) -> None:
    """Print what the decisions cost, beside rules without a model."""
    table(
        "cost per 1,000 commands at the base rate, in the policy's units,\n"
        "on simulated misfires in households that the judge has not seen",
        ["risk class", *readiness.rules],
        [
            [name, *(f"{costs[way]:.1f}" for way in readiness.rules)]
            for name, costs in [("all", readiness.overall), *readiness.by_class.items()]
        ],
    )


def show_report(report: TrainingReport) -> None:
    """Print what a bundle was trained on, its figures, its costs and its thin classes."""
    data = report.data
    table(
        "trained on",
        ["figure", "value"],
        [
            ["data", data.source],
            ["households", f"{data.households:,}"],
            ["events", f"{data.events:,}"],
            ["commands", f"{data.commands:,}"],
            ["from", data.first],
            ["to", data.last],
            ["seed", str(data.seed)],
            ["fewest households", str(data.fewest_households)],
            ["simulated misfires", ", ".join(f"{k} {v:g}" for k, v in data.misfires.items())],
            ["their severity", f"{data.severity:g}"],
            *([f"held out: {name}", f"{value:g}"] for name, value in report.figures.items()),
        ],
    )
    if data.log is not None:
        show_log(data.log)
    show_costs(report.readiness)
    for each in report.thin:
        note(f"thin calibration: {each}")
    note(
        "ready to enforce"
        if report.readiness.may_enforce
        else "not ready to enforce: a rule without a model costs less"
    )
