"""``misfire evaluate sequences``: evaluates the sequence model on logs of any kind."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Json, Seed
from streams.cli.output import progress_report, table, write_json

__all__ = ["sequences"]


def sequences(
    train: Annotated[Path, typer.Option(help="Normal sequences to learn from.")],
    test: Annotated[Path, typer.Option(help="Sequences to score.")],
    labels: Annotated[Path, typer.Option(help="One label per sequence: 0 normal, 1 abnormal.")],
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Detect abnormal sequences of symbols, given one per line with spaces between symbols.

    The model learns from normal sequences alone; the likelihood of held-out sequences chooses the
    number of clones.
    """
    from detector.sequence.one_class import fit_sequences, report_on
    from streams.files.sequences import read_sequence_labels, read_sequences

    normal, tested, truth = (
        read_sequences(train),
        read_sequences(test),
        read_sequence_labels(labels),
    )
    with progress_report() as report:
        detector = fit_sequences(normal, seed=seed, progress=report)
        scores = detector.scores(tested, report)
    found = report_on(detector, scores, truth)
    rows = [
        ["sequences", f"{found.sequences:,}"],
        ["abnormal sequences", f"{found.abnormal:,}"],
        ["clones", str(found.clones)],
        ["AUROC", f"{found.auroc:.4f}"],
        ["false alarms at 90% detection", f"{found.false_alarms_at_90:.3%}"],
    ]
    table(f"{test.name}, scored by a model of {train.name}", ["figure", "value"], rows)
    write_json(json, asdict(found))
