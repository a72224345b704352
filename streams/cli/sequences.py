"""``misfire evaluate sequences`` and ``misfire bench hdfs``: the sequence model on logs of any kind."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Json, Seed
from streams.cli.output import progress_report, table, write_json

__all__ = ["hdfs", "sequences"]

#: Figures that others report, F1 at the real base rate (Landauer, Skopik & Wurzenberger 2024, for all four).
_PUBLISHED_HDFS = {"2-gram": 0.862, "DeepLog": 0.945, "LogAnomaly": 0.976, "counts and length": 0.988}
#: Share of held-out normal sessions that may give an alarm.
_FALSE_ALARMS = 0.002


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
    from detector.sequences import fit_sequences, report_on
    from streams.sequence_files import read_sequence_labels, read_sequences

    normal, tested, truth = read_sequences(train), read_sequences(test), read_sequence_labels(labels)
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


def hdfs(
    folder: Annotated[Path, typer.Argument(help="Folder with train.gz, abnormal.gz and sample_2pct.csv.gz.")],
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Find abnormal sessions of the HDFS log, beside published figures.

    Learns from the normal sessions for training, gives an alarm above the 99.8 % quantile of some that it holds out, and counts false
    alarms as among the 552,640 normal sessions of the whole log.
    """
    from detector.sequences import f1_score, fit_sequences
    from streams.sequence_files import read_hdfs

    data = read_hdfs(folder)
    with progress_report() as report:
        detector = fit_sequences(data.train, seed=seed, progress=report)
        normal, abnormal = detector.scores(data.normal, report), detector.scores(data.abnormal, report)
    threshold = detector.threshold(_FALSE_ALARMS)
    false_alarms, found = float((normal > threshold).mean()), float((abnormal > threshold).mean())
    f1 = f1_score(found, false_alarms, abnormal=len(abnormal), normal=552_640)
    rows = [[f"misfire, {detector.clones} clones", f"{f1:.4f}", f"{found:.4f}", f"{false_alarms:.4f}"]]
    rows += [
        [f"{way} (Landauer et al. 2024)", f"{value:.3f}", "", ""] for way, value in _PUBLISHED_HDFS.items()
    ]
    table("HDFS at its real base rate", ["way", "F1", "found", "false alarms"], rows)
    write_json(
        json,
        {
            "f1": f1,
            "found": found,
            "false_alarms": false_alarms,
            "clones": detector.clones,
            "published": _PUBLISHED_HDFS,
        },
    )
