"""SLURP's pairs on disk: what people said, what a speech recogniser heard, and the intents."""

from __future__ import annotations

import csv
from pathlib import Path

from detector.simulation.misfires import Heard
from streams.errors import DependencyUnavailable, UsageError
from streams.files.lines import read_lines

__all__ = ["read_slurp"]

_NAME = "asr_1best_pairs.tsv.gz"
_COLUMNS = ("reference", "asr_1best", "true_intent", "heard_intent")


def read_slurp(folder: Path) -> list[Heard]:
    """Read ``asr_1best_pairs.tsv.gz`` (Bastianelli et al. 2020).

    Its columns are reference, asr_1best, true_intent and heard_intent.

    Raises:
        DependencyUnavailable: the folder lacks the file.
        UsageError: the file has other content.
    """
    path = folder / _NAME
    if not path.is_file():
        raise DependencyUnavailable(
            f"{folder} lacks {_NAME};"
            " give the folder of SLURP's pairs, which this project does not contain"
        )
    text = (line.decode(errors="replace") for _, line in read_lines(path))
    rows = csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE)
    try:
        heard = _heard(rows, path)
    except csv.Error as error:
        raise UsageError(
            f"{path} is not a table that can be read: save it again as TSV ({error})"
        ) from None
    if all(each.meant == each.intent for each in heard):
        raise UsageError(f"{path} contains no misheard utterance; there is nothing to count")
    return heard


def _heard(rows: csv.DictReader[str], path: Path) -> list[Heard]:
    absent = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
    if absent:
        raise UsageError(
            f"{path} has no column {', '.join(absent)}; it needs {', '.join(_COLUMNS)}"
        )
    return [
        Heard(
            row["reference"],
            row["asr_1best"],
            _intent(row["true_intent"]),
            _intent(row["heard_intent"]),
        )
        for row in rows
        if all(row[name] is not None for name in _COLUMNS)
    ]


def _intent(name: str) -> str:
    """Convert ``play_music`` to ``play.Music``: scenario and action become domain and verb."""
    domain, _, action = name.partition("_")
    return f"{domain}.{action.replace('_', '').capitalize()}"
