from __future__ import annotations

import numpy as np
import pytest

from detector.contracts.decisions import RiskClass, Verdict
from detector.contracts.errors import NotEnoughData
from detector.evaluation.backtest import Backtest, Outcome, summarise
from detector.evaluation.disagreements import Disagreement
from detector.evaluation.household_bootstrap import RESAMPLES, resampled_totals
from detector.evaluation.truth import Truth

#: A command that the active bundle blocks, and the candidate allows: the costs if it was meant and
#: if it was not.
LET_GO = ((30.0, 0.0), (0.0, 400.0))
SAME = ((0.0, 400.0), (0.0, 400.0))


def differing(event_id: str) -> Disagreement:
    return Disagreement(
        event_id=event_id,
        intent="messages.SendMessage",
        risk_class=RiskClass.PRIVATE_OUTBOUND,
        verdicts=(Verdict.BLOCK, Verdict.ALLOW),
        probabilities=(0.9, 0.1),
        reasons=("rare", ""),
        chain=("messages.SendMessage, initiate",),
        misfire=None,
    )


def outcomes(truth: Truth, households: int = 20) -> list[Outcome]:
    """One command in dispute and nine others for each household."""
    return [
        each
        for number in range(households)
        for each in (
            Outcome(f"h{number}", truth, LET_GO, differing(f"e{number}")),
            *[Outcome(f"h{number}", Truth.MEANT, SAME, None)] * 9,
        )
    ]


def result(truth: Truth) -> Backtest:
    return summarise(outcomes(truth), ("b1", "b2"), examples=3)


def test_the_outcome_of_a_command_decides_its_cost() -> None:
    meant, misfire = result(Truth.MEANT), result(Truth.MISFIRE)
    assert meant.difference.least == meant.difference.most
    assert meant.difference.least.estimate == -3_000.0
    assert meant.verdict == "the candidate costs less"
    assert misfire.difference.least.estimate == 40_000.0
    assert misfire.verdict == "the active bundle costs less"


def test_a_command_without_an_outcome_is_bounded_from_both_sides() -> None:
    found = result(Truth.UNSEEN)
    assert (found.difference.least.estimate, found.difference.most.estimate) == (-3_000.0, 40_000.0)
    active, candidate = found.costs
    assert (active.least.estimate, active.most.estimate) == (0.0, 3_000.0)
    assert (candidate.least.estimate, candidate.most.estimate) == (0.0, 40_000.0)
    assert found.verdict == (
        "not decided: the sign of the difference depends on 20 commands whose outcome was never"
        " seen; label them"
    )


def test_commands_are_counted_by_what_is_known_and_by_disagreement() -> None:
    found = result(Truth.UNSEEN)
    assert found.commands == {Truth.MEANT: 180, Truth.MISFIRE: 0, Truth.UNSEEN: 20}
    assert found.disagreements == {RiskClass.PRIVATE_OUTBOUND: {"block -> allow": 20}}
    assert [each.event_id for each in found.examples] == ["e9", "e8", "e7"]


def test_equal_bundles_are_not_told_apart() -> None:
    same = [each for each in outcomes(Truth.MEANT) if each.differing is None]
    found = summarise(same, ("b1", "b2"))
    assert found.verdict == "neither bundle is shown to cost less"


def test_one_household_is_too_few() -> None:
    with pytest.raises(NotEnoughData, match="at least 2 households; the log has 1"):
        summarise(outcomes(Truth.MEANT, 1), ("b1", "b2"))


def test_resamples_draw_as_many_households_as_there_are() -> None:
    totals = resampled_totals(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 0.0]]), seed=3)
    assert totals.shape == (1 + RESAMPLES, 2)
    assert totals[0].tolist() == [3.0, 1.0]
    assert set(totals[:, 0]) == {3.0}
    assert np.mean(totals[1:, 1]) == pytest.approx(1.0, abs=0.1)
