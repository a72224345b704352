from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

import pytest

from streams.errors import DependencyUnavailable, UsageError
from streams.files.sequences import read_hdfs, read_schonlau, read_sequence_labels, read_sequences


def test_a_sequence_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a b  c\n\nb\n")
    assert read_sequences(tmp_path / "f") == [("a", "b", "c"), ("b",)]


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "contains no sequences"), (b"a\n\xff\n", "line 2")]
)
def test_a_file_without_sequences_is_rejected(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_sequences(tmp_path / "f")


def test_a_label_is_zero_or_one(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("0\n1\n")
    assert read_sequence_labels(tmp_path / "f") == [0, 1]
    (tmp_path / "f").write_text("0\nyes\n")
    with pytest.raises(UsageError, match="line 2"):
        read_sequence_labels(tmp_path / "f")


def write_hdfs(folder: Path, header: str = "block_id,label,events,seconds") -> None:
    (folder / "train.gz").write_bytes(gzip.compress(b"b1,5 22 5\nb2,5 5 22\n"))
    (folder / "abnormal.gz").write_bytes(gzip.compress(b"b3,5 28\n"))
    sample = f"{header}\nb1,0,5 22 5,0 0 1\nb4,0,22 5,0 1\nb5,1,28,0\n"
    (folder / "sample_2pct.csv.gz").write_bytes(gzip.compress(sample.encode()))


def test_hdfs_leaves_out_training_and_abnormal_blocks(tmp_path: Path) -> None:
    write_hdfs(tmp_path)
    found = read_hdfs(tmp_path)
    assert found.train == [("5", "22", "5"), ("5", "5", "22")]
    assert found.normal == [("22", "5")]
    assert found.abnormal == [("5", "28")]


def test_missing_or_invalid_hdfs_data_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DependencyUnavailable, match=r"train\.gz, abnormal\.gz"):
        read_hdfs(tmp_path)
    write_hdfs(tmp_path, header="block,label,events,seconds")
    with pytest.raises(UsageError, match="block_id"):
        read_hdfs(tmp_path)
    write_hdfs(tmp_path, header="block_id,label,\revents")
    with pytest.raises(UsageError, match="is not a table"):
        read_hdfs(tmp_path)


def write_schonlau(folder: Path, commands: int = 15_000) -> None:
    for number in range(1, 51):
        (folder / f"User{number}").write_text(f"own{number}\n" * commands)
    (folder / "label.txt").write_text((" ".join(["0"] * 49 + ["1"]) + "\n") * 100)


def test_schonlau_is_read_from_files_and_from_their_archive(tmp_path: Path) -> None:
    files, packed = tmp_path / "files", tmp_path / "packed"
    files.mkdir()
    packed.mkdir()
    write_schonlau(files)
    with tarfile.open(packed / "schonlau.tar.xz", "w:xz") as archive:
        for file in files.iterdir():
            archive.add(file, file.name)
    users, labels = read_schonlau(files)
    assert [user[0] for user in users] == [f"own{number}" for number in range(1, 51)]
    assert labels[0] == [0] * 49 + [1]
    assert read_schonlau(packed) == (users, labels)


def test_missing_or_invalid_schonlau_data_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DependencyUnavailable, match="such as User1"):
        read_schonlau(tmp_path)
    write_schonlau(tmp_path, commands=3)
    with pytest.raises(UsageError, match="15,000 commands"):
        read_schonlau(tmp_path)
