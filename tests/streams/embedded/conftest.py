"""A household file with two days of one home, as an embedded hook writes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from detector.contracts.events import IntentEvent, OutcomeKind
from detector.decision.bundle import Bundle
from streams.embedded.home import Home
from streams.embedded.household_file import HouseholdFile
from tests.detector.builders import (
    CONFIRMATION_KEY,
    DOUBTFUL,
    SURE,
    given_to,
    hand_bundle,
    heard,
    outcome,
    send_message,
)


def opened_home(path: Path, keep_days: float = 30.0, bundle: Bundle | None = None) -> Home:
    file = HouseholdFile(path, patience=1.0)
    return Home(
        file,
        bundle or hand_bundle(),
        confirmation_key=CONFIRMATION_KEY,
        keep_days=keep_days,
    )


def decide_each(home: Home, events: Sequence[IntentEvent]) -> None:
    for each in events:
        home.decide(each, each.seconds)


@pytest.fixture
def home_file(tmp_path: Path) -> Path:
    """Two sessions of household h1: six events, a question with its answer, and an outcome."""
    path = tmp_path / "home.db"
    home = opened_home(path)
    decide_each(home, heard(send_message(), SURE))
    asked = heard(send_message(10, session="s2", days=1.0), DOUBTFUL)
    decide_each(home, asked)
    home.answer(given_to(home.decide(asked[-1], asked[-1].seconds)), asked[-1].seconds + 5)
    home.report(outcome("e12", OutcomeKind.EXECUTED, seconds=86_460), asked[-1].seconds + 10)
    home.file.close()
    return path
