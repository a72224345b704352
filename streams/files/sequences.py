"""Sequences of symbols on disk, and data sets with published results."""

from __future__ import annotations

import csv
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

from streams.errors import DependencyUnavailable, UsageError
from streams.files.lines import read_lines

__all__ = [
    "Hdfs",
    "Sequence",
    "read_hdfs",
    "read_schonlau",
    "read_sequence_labels",
    "read_sequences",
]

Sequence = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hdfs:
    """Sessions of log keys: normal ones for training, other normal ones, and abnormal ones."""

    train: list[Sequence]
    normal: list[Sequence]
    abnormal: list[Sequence]


def read_sequences(path: Path) -> list[Sequence]:
    """Read sequences, one per line, with symbols separated by spaces; empty lines are skipped.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: the file is not text, or contains no sequence.
    """
    sequences = [tuple(_text(path, number, line).split()) for number, line in read_lines(path)]
    if not sequences:
        raise UsageError(
            f"{path} contains no sequences; give one per line, its symbols separated by spaces"
        )
    return sequences


def read_sequence_labels(path: Path) -> list[int]:
    """Read labels, one per line: 0 is normal, 1 is abnormal.

    Raises:
        DependencyUnavailable: the file does not exist.
        UsageError: there are no labels, or a line is something else; the message names the line.
    """
    labels: list[int] = []
    for number, line in read_lines(path):
        label = _text(path, number, line).strip()
        if label not in ("0", "1"):
            raise UsageError(
                f"{path}, line {number}: a label is 0 (normal) or 1 (abnormal), not {label[:20]!r}"
            )
        labels.append(int(label))
    if not labels:
        raise UsageError(f"{path} contains no labels; give 0 or 1 per line, one for each sequence")
    return labels


def read_hdfs(folder: Path) -> Hdfs:
    """Read ``train.gz``, ``abnormal.gz`` and ``sample_2pct.csv.gz`` (Xu et al. 2009).

    Blocks of the sample that are also in the training set are left out.

    Raises:
        DependencyUnavailable: the folder lacks a file.
        UsageError: a file has other content.
    """
    absent = [
        name
        for name in ("train.gz", "abnormal.gz", "sample_2pct.csv.gz")
        if not (folder / name).is_file()
    ]
    if absent:
        raise DependencyUnavailable(
            f"{folder} lacks {', '.join(absent)};"
            " give the folder of the HDFS log keys, which this project does not contain"
        )
    train = _blocks(folder / "train.gz")
    sample = folder / "sample_2pct.csv.gz"
    text = "".join(_text(sample, number, line) for number, line in read_lines(sample))
    try:
        normal = [
            tuple((row["events"] or "").split())
            for row in csv.DictReader(io.StringIO(text))
            if row["label"] == "0" and row["block_id"] not in train
        ]
    except KeyError as error:
        raise UsageError(
            f"{sample} has no column {error}; it needs block_id, label and events"
        ) from None
    except csv.Error as error:
        raise UsageError(
            f"{sample} is not a table that can be read: save it again as CSV ({error})"
        ) from None
    return Hdfs(list(train.values()), normal, list(_blocks(folder / "abnormal.gz").values()))


def read_schonlau(folder: Path) -> tuple[list[list[str]], list[list[int]]]:
    """Read 15,000 commands of each of 50 users, and the labels.

    The labels are 100 rows (blocks of 100 commands) by 50 columns (users); 1 means that another
    user typed the block. The files are ``User1`` to ``User50`` and ``label.txt`` (Schonlau et al.
    2001), in the folder or in its ``schonlau.tar.xz``.

    Raises:
        DependencyUnavailable: the folder lacks a file.
        UsageError: a file has other content.
    """
    names = [*(f"User{number}" for number in range(1, 51)), "label.txt"]
    archive = folder / "schonlau.tar.xz"
    if archive.is_file():
        with tarfile.open(archive) as packed:
            found = {
                Path(each.name).name: packed.extractfile(each)
                for each in packed.getmembers()
                if each.isfile()
            }
            texts = {
                name: file.read().decode() for name, file in found.items() if file and name in names
            }
    else:
        texts = {name: (folder / name).read_text() for name in names if (folder / name).is_file()}
    absent = [name for name in names if name not in texts]
    if absent:
        raise DependencyUnavailable(
            f"{folder} lacks {len(absent)} files, such as {absent[0]};"
            " give the folder of Schonlau's data, which this project does not contain"
        )
    users = [texts[name].split() for name in names[:-1]]
    labels = [
        [int(label) for label in row.split()]
        for row in texts["label.txt"].splitlines()
        if row.strip()
    ]
    if (
        {len(user) for user in users} != {15_000}
        or len(labels) != 100
        or {len(row) for row in labels} != {50}
    ):
        raise UsageError(
            f"{folder} does not contain 50 users of 15,000 commands and 100 rows of 50 labels"
        )
    return users, labels


def _blocks(path: Path) -> dict[str, Sequence]:
    rows = (_text(path, number, line).partition(",") for number, line in read_lines(path))
    return {block: tuple(keys.split()) for block, _, keys in rows}


def _text(path: Path, number: int, line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path}, line {number}: is not text in UTF-8") from None
