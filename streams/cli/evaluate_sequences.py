"""``misfire evaluate sequences``: the sequence model on logs of any kind."""

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
    labels: Annotated[Path, typer.Option(help="A label for each of them: 0 is normal, 1 is not.")],
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Tell abnormal sequences of any symbols from normal ones: one to a line, symbols separated by spaces.

    Learns from normal sequences alone, and chooses the number of clones by the likelihood of some that it holds out.
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
        ["abnormal ones", f"{found.abnormal:,}"],
        ["clones", str(found.clones)],
        ["AUROC", f"{found.auroc:.4f}"],
        ["false alarms at 90% detection", f"{found.false_alarms_at_90:.3%}"],
    ]
    table(f"{test.name} by what is normal in {train.name}", ["figure", "value"], rows)
    write_json(json, asdict(found))
