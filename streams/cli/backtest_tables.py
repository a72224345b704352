"""The tables of ``misfire backtest``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.cli.comparisons import show_disagreements
from streams.cli.output import note, table

if TYPE_CHECKING:
    from detector.evaluation.backtest import Backtest

__all__ = ["show_backtest"]


def show_backtest(found: Backtest, counts: dict[str, int], since: str) -> None:
    """Print what a backtest found, and what it counted in the log."""
    from detector.evaluation.truth import Truth

    known = ", ".join(f"{number:,} {truth}" for truth, number in found.commands.items())
    note(
        f"{sum(found.commands.values()):,} commands of {found.households:,} households in the last "
        f"{since}: {known}"
    )
    for name, number in counts.items():
        if number and name != "events":
            note(f"{name}: {number:,}")
    show_disagreements(found.versions, found.disagreements, found.examples, "of these commands")
    named = zip(("active", "candidate"), found.costs, strict=True)
    costs = [*named, ("difference", found.difference)]
    table(
        f"cost per 1,000 commands in the policy of {found.versions[0]}, with 95 % intervals;\n"
        f"at least and at most, because the outcome of {found.commands[Truth.UNSEEN]:,} "
        "stopped commands was never seen",
        ["bundle", "at least", "from", "to", "at most", "from", "to"],
        [
            [
                name,
                *(
                    f"{value:.2f}"
                    for each in (bounds.least, bounds.most)
                    for value in (each.estimate, each.low, each.high)
                ),
            ]
            for name, bounds in costs
        ],
    )
    note(found.verdict)
