"""``misfire bench hdfs``, ``schonlau`` and ``slurp``: published data beside published figures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.options import Json, Seed
from streams.cli.output import progress_report, table, write_json

__all__ = ["hdfs", "schonlau", "slurp"]

#: Published F1 at the real base rate, all from Landauer, Skopik & Wurzenberger 2024.
_PUBLISHED_HDFS = {
    "2-gram": 0.862,
    "DeepLog": 0.945,
    "LogAnomaly": 0.976,
    "counts and length": 0.988,
}
#: P-value below which a session raises an alarm.
_FALSE_ALARMS = 0.002
#: Published hits and false alarms in per cent.
_PUBLISHED_SCHONLAU = {
    "Bayes one-step Markov (Schonlau et al. 2001)": (69.3, 6.7),
    "hybrid Markov (Schonlau et al. 2001)": (49.3, 3.2),
    "IPAM (Schonlau et al. 2001)": (41.1, 2.7),
    "uniqueness (Schonlau et al. 2001)": (39.4, 1.4),
    "sequence match (Schonlau et al. 2001)": (36.8, 3.7),
    "compression (Schonlau et al. 2001)": (34.2, 5.0),
    "naive Bayes (Maxion & Townsend 2002)": (66.2, 4.6),
    "naive Bayes with updating (Maxion & Townsend 2002)": (61.5, 1.3),
    "eigen-co-occurrence": (72.0, 2.5),
    "correlation eigen-matrix with SVM (Li 2006)": (82.6, 3.0),
}
_TRAINED_ON, _BLOCK = 5_000, 100


def hdfs(
    folder: Annotated[
        Path, typer.Argument(help="Folder with train.gz, abnormal.gz and sample_2pct.csv.gz.")
    ],
    seed: Seed = 0,
    json: Json = None,
) -> None:
    """Detect abnormal sessions of the HDFS log, beside published figures.

    The model learns from the normal training sessions and raises an alarm if the p-value of a
    session is below 0.2 %. False alarms count as among the 552,640 normal sessions of the whole
    log.
    """
    from detector.evaluation.sequence_report import f1_score
    from detector.sequence.one_class import fit_sequences
    from streams.files.sequences import read_hdfs

    data = read_hdfs(folder)
    with progress_report() as report:
        detector = fit_sequences(data.train, seed=seed, progress=report)
        normal, abnormal = (
            detector.scores(data.normal, report),
            detector.scores(data.abnormal, report),
        )
    threshold = detector.threshold(_FALSE_ALARMS)
    false_alarms, found = float((normal > threshold).mean()), float((abnormal > threshold).mean())
    f1 = f1_score(found, false_alarms, abnormal=len(abnormal), normal=552_640)
    rows = [
        [f"misfire, {detector.clones} clones", f"{f1:.4f}", f"{found:.4f}", f"{false_alarms:.4f}"]
    ]
    rows += [
        [f"{way} (Landauer et al. 2024)", f"{value:.3f}", "", ""]
        for way, value in _PUBLISHED_HDFS.items()
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


def schonlau(
    folder: Annotated[
        Path, typer.Argument(help="Folder with User1 to User50 and label.txt, or schonlau.tar.xz.")
    ],
    json: Json = None,
) -> None:
    """Detect other people's commands among a Unix user's own, beside published figures.

    The model learns from each user's first 5,000 commands. It scores 100 blocks of 100 commands in
    order, and learns from those that look like the user's own. The scores of all users are pooled,
    and hits are given at the published rates of false alarms.
    """
    import numpy as np

    from detector.evaluation.curves import recall_at
    from detector.evaluation.masquerade import rates_of, score_blocks
    from streams.files.sequences import read_schonlau

    users, labels = read_schonlau(folder)
    known = [Counter(user[:_TRAINED_ON]) for user in users]
    everything, commands = sum(known, Counter()), {command for user in users for command in user}
    scores = []
    with progress_report() as report:
        for number, user in enumerate(users):
            report("scoring users", number, len(users))
            blocks = [
                user[begin : begin + _BLOCK] for begin in range(_TRAINED_ON, len(user), _BLOCK)
            ]
            base = rates_of(everything - known[number], commands)
            scores.append(score_blocks(user[:_TRAINED_ON], blocks, base))
        report("scoring users", len(users), len(users))
    truth = np.array(labels, dtype=bool).T.ravel()
    pooled = np.array(scores).ravel()
    ours = {
        name: recall_at(alarms / 100, pooled, truth)
        for name, (_, alarms) in _PUBLISHED_SCHONLAU.items()
    }
    rows = [
        [name, f"{alarms:.1f}", f"{hits:.1f}", f"{100 * ours[name]:.1f}"]
        for name, (hits, alarms) in sorted(_PUBLISHED_SCHONLAU.items(), key=lambda row: row[1][1])
    ]
    table(
        "Schonlau's masquerades, per cent",
        ["published", "false alarms", "hits", "misfire's hits"],
        rows,
    )
    found = [
        {"way": name, "false_alarms": alarms / 100, "published": hits / 100, "hits": ours[name]}
        for name, (hits, alarms) in _PUBLISHED_SCHONLAU.items()
    ]
    write_json(json, {"hits": found})


def slurp(
    folder: Annotated[Path, typer.Argument(help="Folder with asr_1best_pairs.tsv.gz.")],
    json: Json = None,
) -> None:
    """Count which intents a speech recogniser confuses, beside the rates of simulated misfires.

    Exit code 1 if they differ.
    """
    from detector.simulation.misfires import SLURP, Confusions, count_confusions
    from streams.files.slurp import read_slurp

    def figures(found: Confusions) -> dict[str, str]:
        share = {each: count / found.misheard for each, count in found.counts.items()}
        return {
            "utterances": f"{found.utterances:,}",
            "misheard": f"{found.misheard:,}",
            **{
                f"of those, {each}": f"{count:,} ({share[each]:.1%})"
                for each, count in found.counts.items()
            },
            **{f"affinity, {each}": f"{value:.2f}" for each, value in found.affinity.items()},
            "every word right though misheard": f"{found.words_right:.3f}",
            "words in common if one was wrong": f"{found.words_shared:.3f}",
        }

    counted = count_confusions(read_slurp(folder))
    ours, theirs = figures(SLURP), figures(counted)
    rows = [[name, value, ours[name]] for name, value in theirs.items()]
    table(
        "confusions of a speech recogniser",
        ["figure", "counted", "simulated"],
        rows,
    )
    write_json(json, counted)
    if ours != theirs:
        raise typer.Exit(1)
