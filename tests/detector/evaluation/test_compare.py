from __future__ import annotations

from dataclasses import replace

import pytest

from detector.contracts.decisions import RiskClass, Verdict
from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.evaluation.compare import Comparison, compare
from tests.detector.builders import ABSURD, SURE, hand_bundle, hand_judge, heard, send_message

#: It stops commands that were hardly heard.
CAREFUL = hand_bundle()
#: It stops nothing.
BLIND = hand_bundle(judge=hand_judge(bits=(-6.0, -6.0, -6.0)))


def messages(households: int = 8, unclear: int = 2) -> list[IntentEvent]:
    """One message of each household; the first ``unclear`` ones were hardly heard."""
    return [
        replace(each, event_id=f"{number}-{each.event_id}", household_id=f"h{number}")
        for number in range(households)
        for each in heard(send_message(), ABSURD if number < unclear else SURE)
    ]


MISFIRES = {"0-e2", "1-e2"}


def compared(
    misfires: set[str] | None = MISFIRES, *, examples: int = 10, seed: int = 0
) -> Comparison:
    return compare(messages(), CAREFUL, BLIND, misfires, examples=examples, seed=seed)


def test_a_bundle_compared_with_itself_never_differs() -> None:
    found = compare(messages(), CAREFUL, CAREFUL, MISFIRES)
    assert (found.disagreements, found.examples) == ({}, ())
    assert (found.difference.estimate, found.difference.low, found.difference.high) == (0, 0, 0)
    assert found.verdict == "neither bundle is shown to cost less"


def test_disagreements_are_counted_by_risk_class_and_can_be_read() -> None:
    found = compared(examples=1)
    assert (found.households, found.commands, found.misfires) == (8, 8, 2)
    assert found.disagreements == {RiskClass.PRIVATE_OUTBOUND: {"block -> allow": 2}}
    (example,) = found.examples
    assert example.verdicts == (Verdict.BLOCK, Verdict.ALLOW)
    assert example.chain == tuple(
        f"messages.SendMessage, {act}" for act in ("initiate", "inform", "affirm")
    )
    assert example.misfire is True
    assert example.reasons[0]


def test_costs_are_those_of_the_policy_at_its_base_rate() -> None:
    found = compared()
    # One in 1,000 commands is a misfire, which costs 400 if it runs and nothing if it is blocked.
    assert found.costs[0].estimate == 0.0
    assert found.costs[1].estimate == pytest.approx(400.0)
    assert found.difference.estimate == pytest.approx(400.0)
    # In a tenth of the resamples no household has a misfire, so the difference is not shown.
    assert found.difference.low == 0.0
    assert found.difference.high == pytest.approx(400.0)


def test_a_difference_that_nearly_every_resample_has_is_a_verdict() -> None:
    events = messages(households=20, unclear=10)
    found = compare(events, BLIND, CAREFUL, {f"{number}-e2" for number in range(10)})
    assert found.difference.high < 0.0
    assert found.verdict == "the second bundle costs less"


def test_without_labels_every_command_counts_as_meant() -> None:
    found = compared(None)
    assert found.misfires == 0
    # Two of eight meant commands are blocked, at 30 each.
    assert found.costs[0].estimate == pytest.approx(1000 * 2 / 8 * 30)
    assert found.costs[1].estimate == 0.0
    assert found.examples[0].misfire is None


def test_the_same_seed_gives_the_same_intervals() -> None:
    assert compared(seed=4) == compared(seed=4)


def test_one_household_is_too_few() -> None:
    with pytest.raises(NotEnoughData, match="at least 2 households; the stream has 1"):
        compare(messages(households=1), CAREFUL, BLIND)
