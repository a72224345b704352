"""A month as a runtime played it: the file, the figures, and the comparison."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from detector.contracts.decisions import RiskClass, Verdict
from detector.evaluation.daily import Share, summed
from streams.cli import main
from streams.errors import UsageError
from streams.runtimes.days import (
    Played,
    asked,
    differences,
    evaluated,
    judged,
    read_played,
    write_played,
)
from tests.detector.builders import ABSURD, START, SURE, event, hand_bundle

#: Day, wake confidence, whether it is a phantom, and the verdict of the runtime.
COMMANDS = [
    (1, SURE, False, Verdict.ALLOW),
    (1, ABSURD, False, Verdict.BLOCK),
    (2, ABSURD, True, Verdict.ALLOW),
    (3, SURE, False, Verdict.CONFIRM),
]


def played() -> list[Played]:
    return [
        Played(
            event(
                number,
                time=START + timedelta(days=day - 1, seconds=number),
                session_id=f"s{number}",
                commits=True,
                wake_confidence=confidence,
            ),
            verdict,
            RiskClass.PHYSICAL,
            phantom,
        )
        for number, (day, confidence, phantom, verdict) in enumerate(COMMANDS)
    ]


def test_a_file_is_read_in_order_of_time(tmp_path: Path) -> None:
    write_played(tmp_path / "played.jsonl", reversed(played()))
    assert read_played(tmp_path / "played.jsonl") == played()


def test_a_wrong_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "played.jsonl").write_text('{"verdict": "allow"}\n')
    with pytest.raises(UsageError, match="line 1"):
        read_played(tmp_path / "played.jsonl")


def test_questions_and_stopped_phantoms_are_counted_by_day() -> None:
    days = {each.name: each for each in summed(judged(played()), (1, 2, 3)).periods}
    assert days["day 1"].meant == Share(2, 1)
    assert days["day 2"].physical == Share(1, 0)
    assert days["week 1"].meant == Share(3, 2)
    assert days["week 1"].days == 3


def test_decisions_are_compared_with_the_evaluation() -> None:
    decisions = evaluated(played(), hand_bundle())
    assert decisions[0].verdict is Verdict.ALLOW
    same = [
        replace(each, verdict=decision.verdict)
        for each, decision in zip(played(), decisions, strict=True)
    ]
    assert differences(same, decisions) == []
    assert {each.event.event_id for each in differences(played(), decisions)} == {"e2", "e3"}


def test_commands_that_were_asked_about_are_listed_with_what_came_before() -> None:
    found = asked(played(), evaluated(played(), hand_bundle()))
    assert [(each.event.event_id, each.day, each.given) for each in found] == [
        ("e1", 1, 1), ("e3", 3, 2),
    ]  # fmt: skip
    assert found[0].reasons


def test_the_command_prints_every_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_played(tmp_path / "played.jsonl", played())
    monkeypatch.setattr(
        sys, "argv", ["misfire", "runtimes", "days", str(tmp_path / "played.jsonl")]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    printed = capsys.readouterr()
    assert "day 3" in printed.err
