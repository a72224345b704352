from datetime import timedelta

import pytest

from detector.contracts.events import IntentEvent
from detector.evaluation.daily import Share, daily
from tests.detector.builders import ABSURD, START, SURE, event, hand_bundle

#: Day, wake confidence, and whether the command was meant.
COMMANDS = [
    (1, SURE, True),
    (1, ABSURD, True),
    (2, SURE, True),
    (7, ABSURD, False),
    (16, SURE, True),
]


def stream() -> tuple[list[IntentEvent], set[str]]:
    events = [
        event(
            number,
            time=START + timedelta(days=day - 1, seconds=number),
            session_id=f"s{number}",
            commits=True,
            wake_confidence=confidence,
        )
        for number, (day, confidence, _) in enumerate(COMMANDS)
    ]
    return events, {f"e{number}" for number, (*_, meant) in enumerate(COMMANDS) if not meant}


def test_interruptions_are_counted_by_the_days_since_a_households_first_event() -> None:
    events, misfires = stream()
    found = daily(events, hand_bundle(), misfires)
    periods = {each.name: each for each in found.periods}
    assert list(periods) == [
        "day 1", "day 7", "day 30", "week 1", "week 2", "week 3", "after day 14", "all",
    ]  # fmt: skip
    assert periods["day 1"].meant == Share(2, 1)
    assert periods["day 7"].misfires == Share(1, 1)
    assert periods["day 30"].meant.share is None
    assert periods["week 1"].meant.share == pytest.approx(1 / 3)
    assert periods["after day 14"].meant == Share(1, 0)
    assert periods["all"].misfires == Share(1, 1)


def test_domains_are_counted_separately() -> None:
    events, misfires = stream()
    found = daily(events, hand_bundle(), misfires)
    assert [each.name for each in found.domains] == ["messages"]
    assert found.domains[0].physical == Share(0, 0)
