"""The table of ``misfire evaluate --baselines`` and its conclusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from streams.cli.output import note, table

if TYPE_CHECKING:
    from detector.evaluation.baselines import Comparison, Ranking
    from detector.evaluation.evaluate import Evaluation

__all__ = ["show_baselines"]


def show_baselines(found: Evaluation, simpler: Sequence[Ranking]) -> dict[str, Any]:
    """Print the model beside the baselines, best first, and return the same for JSON."""
    from detector.evaluation.baselines import Ranking, compare

    model = Ranking("misfire", found.auroc or 0.0, found.recall)
    ranked = sorted([model, *simpler], key=lambda each: -each.auroc)
    table(
        "misfire and simple baselines on the same commands",
        ["method", "AUROC", *(f"recall at {float(rate):.1%}" for rate in model.recall)],
        [
            [each.name, f"{each.auroc:.4f}", *(f"{share:.4f}" for share in each.recall.values())]
            for each in ranked
        ],
    )
    comparison = compare(model, simpler)
    note(_conclusion(comparison))
    return {
        "baselines": [asdict(each) for each in simpler],
        "earns_its_keep": not comparison.behind,
    }


def _conclusion(comparison: Comparison) -> str:
    if not comparison.behind:
        return (
            f"misfire earns its keep: it is ahead of the best baseline in {_list(comparison.ahead)}"
        )
    if not comparison.ahead:
        return (
            "misfire does not earn its keep on this stream: it is not ahead of the best baseline "
            f"in {_list(comparison.behind)}"
        )
    return (
        "misfire earns its keep only in part on this stream: it is ahead of the best baseline in "
        f"{_list(comparison.ahead)}, but not in {_list(comparison.behind)}"
    )


def _list(measures: Mapping[str, tuple[float, float, str]]) -> str:
    return ", ".join(
        f"{measure if measure == 'AUROC' else f'recall at {float(measure):.1%}'} "
        f"({own:.4f}; {name}: {best:.4f})"
        for measure, (own, best, name) in measures.items()
    )
