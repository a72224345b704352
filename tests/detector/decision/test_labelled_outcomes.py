"""Labels answer questions in evaluations, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import detector
from detector.contracts.standing import Standing
from detector.decision.labelled_outcomes import reveal
from detector.household.state import HouseholdState
from tests.detector.builders import (
    ABSURD,
    DOUBTFUL,
    START,
    SURE,
    hand_bundle,
    heard,
    run,
    send_message,
)

ROOT = Path(detector.__file__).parents[1]
#: Modules that may treat an answer as verified, and modules that replay labelled streams.
CHECKERS = {"detector/decision/answers.py", "detector/decision/labelled_outcomes.py"}
PLAYERS = {
    "detector/training/evidence_table.py",
    "detector/evaluation/playing.py",
    "streams/lifecycle/backtest.py",
    "streams/local/bench/hot_households.py",
    "streams/local/bench/state_size.py",
    "streams/local/bench/traffic.py",
}


@pytest.mark.parametrize(
    ("wake", "meant", "standing"),
    [
        (SURE, True, Standing.EXECUTED),
        (SURE, False, Standing.UNDONE),
        (DOUBTFUL, True, Standing.CONFIRMED),
        (DOUBTFUL, False, Standing.DENIED),
        (ABSURD, True, Standing.BLOCKED),
        (ABSURD, False, Standing.DENIED),
    ],
)
def test_a_label_is_reported_as_the_outcome_that_the_verdict_permits(
    wake: float, meant: bool, standing: Standing
) -> None:
    _, state = run(heard(send_message(), wake), hand_bundle())
    after = reveal(state, "e2", meant=meant, at=START.timestamp() + 30)
    assert after.pending[0].standing is standing


def test_nothing_is_reported_about_a_forgotten_command() -> None:
    state = HouseholdState.new("h1")
    assert reveal(state, "e2", meant=True, at=0.0) is state


def test_only_checked_answers_reach_decisions_for_a_runtime() -> None:
    answered, revealed = set(), set()
    for file in (
        each for folder in ("detector", "streams") for each in (ROOT / folder).rglob("*.py")
    ):
        text, name = file.read_text("utf-8"), file.relative_to(ROOT).as_posix()
        if re.search(
            r"from detector\.household\.outcomes import (?:\([^)]*?|[^(\n]*?)\banswered\b", text
        ):
            answered.add(name)
        if "detector.decision.labelled_outcomes" in text:
            revealed.add(name)
    assert answered == CHECKERS
    assert revealed == PLAYERS
