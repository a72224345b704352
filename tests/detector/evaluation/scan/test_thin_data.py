from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from detector.contracts.decisions import RiskClass, Verdict
from detector.decision.verdict import Ruling
from detector.evaluation.scan.tally import Tally
from detector.evaluation.scan.thin_data import thin_data
from detector.evidence import Moment
from detector.household.fast_replace import changed
from detector.household.state import HouseholdState
from tests.detector.builders import START, event, hand_bundle
from tests.detector.moments import moment_of

BUNDLE = hand_bundle()
KNOWN = changed(HouseholdState.new("h1"), learned=10)
MOMENT = moment_of("lights.TurnOn")


def at(days: int, intent: str = "lights.TurnOn") -> Moment:
    said = event(intent=intent, commits=True, time=START + timedelta(days=days))
    return replace(MOMENT, event=said)


@pytest.fixture
def plenty() -> Tally:
    tally = Tally(UTC)
    for number in range(100):
        tally.add(at(number % 14), Ruling(Verdict.ALLOW), RiskClass.REVERSIBLE, BUNDLE)
    return tally


def test_enough_data_gives_no_warning(plenty: Tally) -> None:
    assert thin_data(plenty, [KNOWN]) == ()


def test_few_commands_and_days_are_reported() -> None:
    tally = Tally(UTC)
    tally.add(at(0), Ruling(Verdict.ALLOW), RiskClass.REVERSIBLE, BUNDLE)

    few, days = thin_data(tally, [KNOWN])

    assert few.startswith("The log has only 1 command.")
    assert days.startswith("The log has commands on only 1 day.")


def test_new_households_are_reported(plenty: Tally) -> None:
    new = HouseholdState.new("h2")

    assert thin_data(plenty, [new])[0].startswith("There are fewer than 10 sessions")
    assert thin_data(plenty, [KNOWN, new])[0].startswith("1 of 2 households have fewer than 10")


def test_few_commands_of_a_class_are_reported(plenty: Tally) -> None:
    for _ in range(3):
        plenty.add(at(0), Ruling(Verdict.CONFIRM), RiskClass.PHYSICAL, BUNDLE)

    (few,) = thin_data(plenty, [KNOWN])

    assert few.startswith("The log has only 3 physical commands.")


def test_abstentions_and_unknown_intents_are_reported(plenty: Tally) -> None:
    for _ in range(10):
        ruling = Ruling(Verdict.CONFIRM, abstained=True)
        plenty.add(at(0, "oven.Preheat"), ruling, RiskClass.PHYSICAL, BUNDLE)

    abstained, unknown = thin_data(plenty, [KNOWN])

    assert "on 10 commands" in abstained
    assert "does not know the intents of 10 commands: oven.Preheat." in unknown
