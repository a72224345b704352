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

    The detector learns from normal sequences alone. It combines six statistics of a sequence by
    their p-values among held-out normal sequences; nothing needs tuning. The table also shows how
    well each statistic separates alone.
    """
    from detector.evaluation.sequence_report import report_on
    from detector.sequence.one_class import fit_sequences
    from detector.sequence.statistics import STATISTICS
    from streams.files.sequences import read_sequence_labels, read_sequences

    normal, tested, truth = (
        read_sequences(train),
        read_sequences(test),
        read_sequence_labels(labels),
    )
    with progress_report() as report:
        detector = fit_sequences(normal, seed=seed, progress=report)
        surprises = detector.surprises(tested, report)
    found = report_on(detector.combine(surprises), truth)
    alone = {
        name: report_on(column, truth) for name, column in zip(STATISTICS, surprises.T, strict=True)
    }
    rows = [
        [name, f"{each.auroc:.4f}", f"{each.false_alarms_at_90:.3%}"]
        for name, each in [("the score", found), *alone.items()]
    ]
    table(
        f"{test.name} ({found.sequences:,} sequences, {found.abnormal:,} abnormal), scored by a"
        f" model of {train.name} ({detector.clones} clones)",
        ["", "AUROC", "false alarms at 90% detection"],
        rows,
    )
    write_json(
        json,
        {
            **asdict(found),
            "clones": detector.clones,
            "alone": {name: asdict(each) for name, each in alone.items()},
        },
    )
