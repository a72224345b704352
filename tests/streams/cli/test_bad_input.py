"""Every command that reads files, with invalid files: one sentence, an exit code, no traceback."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from detector.contracts.events import Act
from streams.cli import main
from streams.files.bundles import write_bundle
from streams.files.events import write_events, write_labels
from tests.detector.builders import dialogue, hand_bundle
from tests.detector.town import town

EVENTS = town(households=8, sessions=12)
ONE_LINE = b'{"event_id": "e1"}\n'

Arguments = Callable[[Path, Path], list[str | Path]]

#: Commands by name: functions of a stream and of a folder of valid files.
STREAM_COMMANDS: dict[str, Arguments] = {
    "train": lambda bad, good: ["train", bad, "--out", good / "out"],
    "scan": lambda bad, good: ["scan", bad, "--bundle", good / "bundle"],
    "evaluate --stream": lambda bad, good: [
        "evaluate", "--stream", bad, "--labels", good / "labels", "--bundle", good / "bundle",
    ],
    "evaluate --train": lambda bad, good: [
        "evaluate", "--train", bad, "--stream", good / "stream", "--labels", good / "labels",
    ],
    "evaluate --baselines": lambda bad, good: [
        "evaluate", "--baselines", bad, "--stream", good / "stream", "--labels", good / "labels",
        "--bundle", good / "bundle",
    ],
    "replay": lambda bad, good: ["replay", bad, "--bundle", good / "bundle"],
    "bench train": lambda bad, good: ["bench", "train", bad, "--test", good / "stream"],
    "bench train --test": lambda bad, good: ["bench", "train", good / "stream", "--test", bad],
    "bench step": lambda bad, good: ["bench", "step", bad, "--bundle", good / "bundle"],
    "bench change": lambda bad, good: ["bench", "change", bad, "--bundle", good / "bundle"],
}  # fmt: skip
OTHER_COMMANDS: dict[str, Arguments] = {
    "evaluate --labels": lambda bad, good: [
        "evaluate", "--stream", good / "stream", "--labels", bad, "--bundle", good / "bundle",
    ],
    "sequences --train": lambda bad, good: [
        "evaluate", "sequences", "--train", bad, "--test", good / "sequences",
        "--labels", good / "zeros",
    ],
    "sequences --test": lambda bad, good: [
        "evaluate", "sequences", "--train", good / "sequences", "--test", bad,
        "--labels", good / "zeros",
    ],
    "sequences --labels": lambda bad, good: [
        "evaluate", "sequences", "--train", good / "sequences", "--test", good / "sequences",
        "--labels", bad,
    ],
    "train --policy": lambda bad, good: [
        "train", good / "stream", "--out", good / "out", "--policy", bad,
    ],
}  # fmt: skip

#: Invalid files and the exit code: 2 for invalid content, 3 for a file that cannot be read.
FILES: dict[str, tuple[Callable[[Path], Path], int]] = {
    "missing": (lambda folder: folder / "nothing", 3),
    "a folder": (lambda folder: folder, 3),
    "truncated gz": (
        lambda folder: _written(folder / "cut.gz", gzip.compress(ONE_LINE * 99)[:-20]),
        2,
    ),
    "damaged gz": (
        lambda folder: _written(folder / "bad.gz", _damaged(gzip.compress(ONE_LINE * 99))),
        2,
    ),
    "not gz": (lambda folder: _written(folder / "text.gz", ONE_LINE), 2),
    "not text": (lambda folder: _written(folder / "bytes", b"\x80\xff\xfe\n"), 2),
    "empty": (lambda folder: _written(folder / "empty", b""), 2),
}


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _damaged(packed: bytes) -> bytes:
    return packed[:20] + bytes(byte ^ 0x55 for byte in packed[20:40]) + packed[40:]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    write_events(folder / "stream", EVENTS)
    last = [event.event_id for event in EVENTS if event.commits][-1]
    write_labels(folder / "labels", [(last, "phantom", "c1")])
    write_bundle(hand_bundle(), folder / "bundle")
    (folder / "sequences").write_text("a b c\n" * 20)
    (folder / "zeros").write_text("0\n" * 19 + "1\n")
    return folder


Ended = tuple[int, str]


@pytest.fixture
def misfire(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Runs the command line in this process; returns the exit code and standard error."""

    def run(arguments: list[str | Path]) -> Ended:
        monkeypatch.setattr(sys, "argv", ["misfire", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return run


def assert_one_sentence(ended: Ended, code: int) -> str:
    said = [line for line in ended[1].splitlines() if line.startswith("misfire: ")]
    assert ended[0] == code, ended[1]
    assert len(said) == 1, ended[1]
    return said[0]


@pytest.mark.parametrize(
    ("command", "file"),
    [
        (command, file)
        for command in (*STREAM_COMMANDS, *OTHER_COMMANDS)
        for file in FILES
        # A stream without misfires has no labels: test_a_file_without_labels_is_accepted.
        if (command, file) != ("evaluate --labels", "empty")
    ],
)
def test_an_invalid_file_is_named_in_the_error(
    command: str, file: str, good: Path, misfire: Callable[..., Ended], tmp_path: Path
) -> None:
    make, code = FILES[file]
    bad = make(tmp_path)
    said = assert_one_sentence(
        misfire({**STREAM_COMMANDS, **OTHER_COMMANDS}[command](bad, good)), code
    )
    assert str(bad) in said


# A scan skips and lists such lines.
@pytest.mark.parametrize("command", [name for name in STREAM_COMMANDS if name != "scan"])
def test_a_stream_out_of_order_is_rejected(
    command: str, good: Path, misfire: Callable[..., Ended], tmp_path: Path
) -> None:
    write_events(tmp_path / "stream", [*EVENTS[40:], *EVENTS[:40]])
    said = assert_one_sentence(misfire(STREAM_COMMANDS[command](tmp_path / "stream", good)), 2)
    assert "earlier" in said
    assert "line " in said


@pytest.mark.parametrize("command", ["train", "evaluate --train", "bench change"])
def test_a_stream_with_one_household_is_rejected(
    command: str, good: Path, misfire: Callable[..., Ended], tmp_path: Path
) -> None:
    write_events(tmp_path / "stream", [event for event in EVENTS if event.household_id == "home0"])
    said = assert_one_sentence(misfire(STREAM_COMMANDS[command](tmp_path / "stream", good)), 2)
    assert "household" in said


@pytest.mark.parametrize(
    "command",
    ["train", "evaluate --train", "evaluate --stream", "bench step", "bench change"],
)
def test_a_stream_without_committing_events_is_rejected(
    command: str, good: Path, misfire: Callable[..., Ended], tmp_path: Path
) -> None:
    write_events(tmp_path / "stream", [replace(event, commits=False) for event in EVENTS])
    said = assert_one_sentence(misfire(STREAM_COMMANDS[command](tmp_path / "stream", good)), 2)
    assert "commit" in said or "labels" in said


def test_labels_for_unknown_events_are_rejected(
    good: Path, misfire: Callable[..., Ended], tmp_path: Path
) -> None:
    write_labels(tmp_path / "labels", [("elsewhere", "phantom", "c1")])
    for command in ("evaluate --labels",):
        said = assert_one_sentence(misfire(OTHER_COMMANDS[command](tmp_path / "labels", good)), 2)
        assert "elsewhere" in said
    for arguments in (
        [
            "bench",
            "train",
            good / "stream",
            "--test",
            good / "stream",
            "--labels",
            tmp_path / "labels",
        ],
        [
            "bench",
            "change",
            good / "stream",
            "--bundle",
            good / "bundle",
            "--labels",
            tmp_path / "labels",
        ],
    ):
        assert "elsewhere" in assert_one_sentence(misfire(arguments), 2)


def test_a_file_without_labels_is_accepted(
    good: Path, misfire: Callable[..., Ended], tmp_path: Path
) -> None:
    code, said = misfire(
        OTHER_COMMANDS["evaluate --labels"](_written(tmp_path / "none", b""), good)
    )
    assert code == 0
    assert "contains no labels" in " ".join(said.split())


def test_commands_with_unknown_intents_are_reported(
    good: Path, misfire: Callable[..., Ended], tmp_path: Path
) -> None:
    strange = [
        each
        for number in range(40)
        for each in dialogue(
            ("planets.Colonise", Act.INITIATE, True),
            first=number,
            session=f"s{number}",
            days=number,
            household_id=f"h{number % 2}",
        )
    ]
    write_events(tmp_path / "stream", sorted(strange, key=lambda event: event.time))
    write_labels(tmp_path / "labels", [("e39", "phantom", "c1")])
    code, said = misfire(
        [
            "evaluate",
            "--stream",
            tmp_path / "stream",
            "--labels",
            tmp_path / "labels",
            "--bundle",
            good / "bundle",
        ]
    )
    assert code == 0
    assert "40 of 40 commands have intents that the bundle was not trained on" in " ".join(
        said.split()
    )


@pytest.mark.parametrize("benchmark", ["hdfs", "schonlau", "slurp"])
def test_a_file_in_place_of_a_data_folder_is_rejected(
    benchmark: str, good: Path, misfire: Callable[..., Ended]
) -> None:
    assert str(good / "stream") in assert_one_sentence(
        misfire(["bench", benchmark, good / "stream"]), 3
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["simulate", "--households", "1", "--days", "1", "--force", "--out"],
        ["simulate", "--households", "1", "--days", "1", "--out", "s", "--json"],
        [
            "simulate",
            "--households",
            "1",
            "--days",
            "1",
            "--out",
            "s",
            "--misfire-rate",
            ".1",
            "--force",
            "--labels",
        ],
    ],
)
def test_a_folder_cannot_be_written_to_as_a_file(
    arguments: list[str | Path],
    misfire: Callable[..., Ended],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert "folder" in assert_one_sentence(misfire([*arguments, "folder"]), 3)


@pytest.mark.parametrize("option", ["--plot", "--bundle"])
def test_a_file_in_place_of_a_directory_is_rejected(
    option: str, good: Path, misfire: Callable[..., Ended]
) -> None:
    said = misfire(["bench", "change", good / "stream", option, good / "labels"])
    assert str(good / "labels") in assert_one_sentence(said, 2 if option == "--plot" else 3)


def test_a_bundle_is_not_written_over_a_file(good: Path, misfire: Callable[..., Ended]) -> None:
    said = misfire(["train", good / "stream", "--out", good / "labels"])
    assert str(good / "labels") in assert_one_sentence(said, 3)
    assert "fitting" not in said[1]
    assert (good / "labels").is_file()
