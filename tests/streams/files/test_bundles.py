from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from detector.contracts.errors import BundleError, PolicyError
from streams.errors import DependencyUnavailable
from streams.files.bundles import created_at, read_bundle, write_bundle
from streams.files.policy import read_policy
from tests.detector.builders import hand_bundle, hand_judge, run, send_message


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_bundle(hand_bundle(), tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_bundle_read_from_disk_makes_the_same_decisions(place: Path) -> None:
    back = read_bundle(place)
    assert back.version == hand_bundle().version
    events = send_message(wake_confidence=0.1)
    assert run(events, back) == run(events, hand_bundle())


def test_the_same_bundle_gives_the_same_files(place: Path, tmp_path: Path) -> None:
    write_bundle(hand_bundle(), tmp_path / "again")
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()
    }


def test_every_file_is_in_the_manifest_and_none_can_execute(place: Path) -> None:
    manifest = json.loads((place / "manifest.json").read_text())
    assert {p.name for p in place.iterdir()} == {*manifest["files"], "manifest.json"}
    assert {p.suffix for p in place.iterdir()} <= {".json", ".npz", ".toml"}
    assert {name: entry["bytes"] for name, entry in manifest["files"].items()} == {
        p.name: p.stat().st_size for p in place.iterdir() if p.name != "manifest.json"
    }


def _names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir() if path.name != "manifest.json")


def test_a_missing_or_damaged_file_is_named(place: Path) -> None:
    for name in _names(place):
        data = (place / name).read_bytes()
        for broken in (b"", data[:-1], data + b" ", bytes([data[0] ^ 1]) + data[1:]):
            (place / name).write_bytes(broken)
            with pytest.raises(BundleError, match=name):
                read_bundle(place)
        (place / name).unlink()
        with pytest.raises(BundleError, match=name):
            read_bundle(place)
        (place / name).write_bytes(data)
    read_bundle(place)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"files": []}',
        '{"files": {"a": {}}}',
        '{"files": {"../../secret": {"sha256": "0"}}}',
    ],
)
def test_an_invalid_manifest_is_refused(place: Path, text: str) -> None:
    (place / "manifest.json").write_text(text)
    with pytest.raises(BundleError):
        read_bundle(place)


def test_a_manifest_that_is_not_utf8_is_refused(place: Path) -> None:
    (place / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BundleError, match="manifest"):
        read_bundle(place)


def test_a_missing_bundle_is_reported_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(DependencyUnavailable, match="misfire train"):
        read_bundle(tmp_path / "nowhere")


def test_a_bundle_replaces_another_and_leaves_nothing_behind(place: Path) -> None:
    other = hand_bundle(judge=hand_judge("asr_confidence"))
    write_bundle(other, place)
    assert read_bundle(place).version == other.version != hand_bundle().version
    assert sorted(path.name for path in place.parent.iterdir()) == [".bundle.lock", "bundle"]


def test_other_folders_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(DependencyUnavailable, match="is not a bundle"):
        write_bundle(hand_bundle(), tmp_path)
    with pytest.raises(DependencyUnavailable, match="is not a bundle"):
        write_bundle(hand_bundle(), tmp_path / "letters.txt")
    with pytest.raises(DependencyUnavailable, match="cannot be written"):
        write_bundle(hand_bundle(), tmp_path / "letters.txt" / "bundle")
    assert (tmp_path / "letters.txt").read_text() == "mine"


def test_the_packaged_policy_and_a_custom_one_can_be_read(tmp_path: Path) -> None:
    assert read_policy() == hand_bundle().policy
    with pytest.raises(DependencyUnavailable, match=r"none\.toml"):
        read_policy(tmp_path / "none.toml")
    (tmp_path / "wrong.toml").write_text("base_rate = 7\n")
    with pytest.raises(PolicyError):
        read_policy(tmp_path / "wrong.toml")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 10**400),
        ("format", 4.0),
        ("format", True),
        ("version", "0" * 16),
        ("version", None),
        ("files", {"arrays.npz": {"sha256": "0" * 64, "bytes": -1}}),
        ("files", {"arrays.npz": {"sha256": "0" * 64, "bytes": 1 << 60}}),
        ("files", {"more.bin": {"sha256": "0" * 64, "bytes": 0}}),
    ],
)
def test_a_manifest_with_numbers_out_of_range_is_refused(
    place: Path, field: str, value: object
) -> None:
    manifest = json.loads((place / "manifest.json").read_text()) | {field: value}
    (place / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError):
        read_bundle(place)
    created_at(place)


@pytest.mark.parametrize("text", ['"bytes": NaN', '"bytes": 1e999', '"bytes": 1, "bytes"'])
def test_an_ambiguous_manifest_is_refused(place: Path, text: str) -> None:
    written = (place / "manifest.json").read_text()
    (place / "manifest.json").write_text(written.replace('"bytes"', text, 1))
    with pytest.raises(BundleError):
        read_bundle(place)


def test_a_pipe_in_place_of_a_file_is_refused_without_blocking(place: Path) -> None:
    (place / "names.json").unlink()
    os.mkfifo(place / "names.json")
    with pytest.raises(BundleError, match=r"names\.json"):
        read_bundle(place)


def test_a_huge_manifest_is_not_read(place: Path) -> None:
    with (place / "manifest.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BundleError, match="more than"):
        read_bundle(place)
