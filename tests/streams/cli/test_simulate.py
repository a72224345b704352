import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.cli import main
from streams.files.events import read_events, read_labels

Misfire = Callable[..., int]


@pytest.fixture
def misfire(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Misfire:
    """Runs the command line in its own folder and returns the exit code."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["misfire", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return run


SMALL = ("simulate", "--households", "3", "--days", "4", "--seed", "2")
MIXED = (*SMALL, "--misfire-rate", "0.5", "--out", "mixed.jsonl.gz", "--labels", "labels.jsonl")


def test_a_clean_stream_is_written(misfire: Misfire) -> None:
    assert misfire(*SMALL, "--out", "clean.jsonl") == 0
    events = read_events(Path("clean.jsonl"))
    assert len({event.household_id for event in events}) == 3
    assert len(Path("clean.jsonl").read_text("utf-8").splitlines()) == len(events)


def test_homes_can_speak_in_one_shot_commands(misfire: Misfire) -> None:
    assert misfire(*MIXED, "--style", "one-shot") == 0
    events = read_events(Path("mixed.jsonl.gz"))
    assert all(event.act == "initiate" for event in events if event.intent.startswith("light."))
    assert any("Hass" in event.intent for event in events)


def test_misfires_are_written_with_labels_and_a_json_result(
    misfire: Misfire, capsys: pytest.CaptureFixture[str]
) -> None:
    assert misfire(*MIXED, "--json", "-") == 0
    printed = capsys.readouterr()
    events, labels = read_events(Path("mixed.jsonl.gz")), read_labels(Path("labels.jsonl"))
    assert labels.keys() <= {event.event_id for event in events}
    misfires = sum(event.commits for event in events if event.event_id in labels)
    assert misfires > 0
    assert json.loads(printed.out) == {
        "events": len(events),
        "households": 3,
        "days": 4,
        "misfires": misfires,
        "seed": 2,
    }
    assert f"including {misfires} misfires" in " ".join(printed.err.split())


def test_the_same_seed_gives_the_same_bytes(misfire: Misfire) -> None:
    assert misfire(*MIXED) == 0
    first = [Path(name).read_bytes() for name in ("mixed.jsonl.gz", "labels.jsonl")]
    assert misfire(*MIXED, "--force") == 0
    assert [Path(name).read_bytes() for name in ("mixed.jsonl.gz", "labels.jsonl")] == first


@pytest.mark.parametrize("there", ["mixed.jsonl.gz", "labels.jsonl"])
def test_existing_files_are_replaced_only_with_force(
    misfire: Misfire, capsys: pytest.CaptureFixture[str], there: str
) -> None:
    Path(there).write_text("precious", "utf-8")
    assert misfire(*MIXED) == 2
    assert Path(there).read_text("utf-8") == "precious"
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert there in lines[0]
    assert "--force" in lines[0]
    assert misfire(*MIXED, "--force") == 0
    assert Path(there).read_bytes() != b"precious"


def test_misfires_without_labels_are_refused(
    misfire: Misfire, capsys: pytest.CaptureFixture[str]
) -> None:
    assert misfire(*SMALL, "--misfire-rate", "0.5", "--out", "mixed.jsonl") == 2
    assert "--labels" in capsys.readouterr().err
    assert not Path("mixed.jsonl").exists()


def test_one_file_cannot_be_stream_and_labels(
    misfire: Misfire, capsys: pytest.CaptureFixture[str]
) -> None:
    assert misfire(*SMALL, "--misfire-rate", "0.5", "--out", "a.jsonl", "--labels", "a.jsonl") == 2
    assert "a.jsonl" in capsys.readouterr().err
    assert not Path("a.jsonl").exists()


@pytest.mark.parametrize(
    "wrong",
    [("--misfire-rate", "1.5"), ("--households", "0"), ("--days", "0"), ("--days", "many")],
)
def test_an_invalid_number_is_rejected(misfire: Misfire, wrong: tuple[str, str]) -> None:
    assert misfire("simulate", *wrong, "--out", "a.jsonl") == 2
    assert not Path("a.jsonl").exists()


def test_a_missing_folder_is_exit_code_3(
    misfire: Misfire, capsys: pytest.CaptureFixture[str]
) -> None:
    assert misfire(*SMALL, "--out", "no/such/folder.jsonl") == 3
    assert "no/such/folder.jsonl" in " ".join(capsys.readouterr().err.split())


def test_kinds_of_misfire_their_shares_and_their_severity_can_be_chosen(misfire: Misfire) -> None:
    assert misfire(*MIXED, "--kind", "spliced=3", "--kind", "game", "--severity", "0.9") == 0
    assert set(read_labels(Path("labels.jsonl")).values()) == {"spliced", "game"}


def test_all_kinds_but_one_can_be_chosen(misfire: Misfire) -> None:
    assert misfire(*MIXED, "--households", "30", "--kind", "all", "--kind", "spliced=0") == 0
    found = set(read_labels(Path("labels.jsonl")).values())
    assert {"monologue", "interleaved", "repeated", "wrong_detail"} <= found
    assert "spliced" not in found


@pytest.mark.parametrize("kind", ["ghost", "spliced=much", "spliced=-1", "game=0"])
def test_an_unknown_kind_is_a_usage_error(
    kind: str, misfire: Misfire, capsys: pytest.CaptureFixture[str]
) -> None:
    assert misfire(*MIXED, "--kind", kind) == 2
    assert capsys.readouterr().err.startswith("misfire: ")
