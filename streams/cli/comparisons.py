"""Tables of the disagreements of two bundles, for ``misfire bundle compare`` and ``backtest``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from streams.cli.output import note, table

if TYPE_CHECKING:
    from detector.contracts.decisions import RiskClass
    from detector.evaluation.disagreements import Disagreement

__all__ = ["show_disagreements"]


def show_disagreements(
    versions: tuple[str, str],
    counts: Mapping[RiskClass, Mapping[str, int]],
    examples: Sequence[Disagreement],
    where: str,
) -> None:
    """Print counts of disagreements by risk class, and some to read with their chains."""
    rows = [
        [risk, verdicts, f"{number:,}"]
        for risk, found in counts.items()
        for verdicts, number in found.items()
    ]
    table(
        f"disagreements of {versions[0]} and {versions[1]} on {where}",
        ["risk class", "verdicts", "commands"],
        rows,
    )
    for each in examples:
        label = {True: "misfire", False: "meant", None: "not known"}[each.misfire]
        note(f"{each.event_id}: {' | '.join(each.chain)} ({each.risk_class}, {label})")
        for verdict, reason in zip(each.verdicts, each.reasons, strict=True):
            note(f"   {verdict}: {reason or 'nothing unusual'}")
