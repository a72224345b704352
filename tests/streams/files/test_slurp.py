from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from detector.simulation.misfires import Heard
from streams.errors import DependencyUnavailable, UsageError
from streams.files.slurp import read_slurp

HEADER = "reference\tasr_1best\ttrue_intent\theard_intent"


def write(folder: Path, *rows: str) -> Path:
    (folder / "asr_1best_pairs.tsv.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    return folder


def test_pairs_are_read_with_domain_and_verb(tmp_path: Path) -> None:
    write(tmp_path, HEADER, 'say "x\tsay x\tiot_hue_lighton\tplay_music')
    assert read_slurp(tmp_path) == [Heard('say "x', "say x", "iot.Huelighton", "play.Music")]


def test_a_folder_without_the_slurp_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DependencyUnavailable, match=r"asr_1best_pairs\.tsv\.gz"):
        read_slurp(tmp_path)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("reference\tasr_1best\ttrue_intent", "a\tb\tc_d"), "heard_intent"),
        (("",), "reference"),
        ((HEADER,), "misheard"),
        ((HEADER, "a\ta\tx_y\tx_y"), "misheard"),
        ((HEADER, "a\ra\tb\tx_y\tx_y"), "is not a table"),
    ],
)
def test_an_invalid_slurp_file_is_reported(
    rows: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    write(tmp_path, *rows)
    with pytest.raises(UsageError, match=said):
        read_slurp(tmp_path)
