from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import Decision, Enforcement, RiskClass, Rung, Verdict
from detector.evaluation.reliability import budgets, prior_weights, reliability

MEANT = Decision(
    decision_id="d",
    event_id="e",
    household_id="h",
    session_id="s",
    intent="messages.SendMessage",
    verdict=Verdict.ALLOW,
    effective_verdict=Verdict.ALLOW,
    enforcement=Enforcement.ENFORCE,
    rung=Rung.WORKER,
    risk_class=RiskClass.PRIVATE_OUTBOUND,
    bundle="b",
)


@given(st.integers(1, 50), st.integers(1, 50), st.floats(1e-6, 0.5))
def test_weights_scale_misfires_to_the_base_rate(
    meant: int, misfires: int, base_rate: float
) -> None:
    truth = np.array([False] * meant + [True] * misfires)
    weights = prior_weights(truth, base_rate)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[truth].sum() == pytest.approx(base_rate)


def test_calibrated_probabilities_have_no_error() -> None:
    # One in four is a misfire, which is also the base rate, so all weights are equal.
    truth = np.array([True, False, False, False] * 25)
    found = reliability(np.full(100, 0.25), truth, 0.25)
    assert found.calibration_error == pytest.approx(0.0)
    assert found.brier == pytest.approx(found.always_base_rate) == pytest.approx(0.25 * 0.75)
    (only,) = found.bins
    assert (only.commands, only.misfires) == (100, 25)
    assert only.predicted == pytest.approx(0.25)
    assert only.observed == pytest.approx(0.25)


def test_correct_certainty_has_no_error_and_wrong_certainty_the_largest() -> None:
    truth = np.array([True, False])
    assert reliability(np.array([1.0, 0.0]), truth, 0.1).brier == pytest.approx(0.0)
    wrong = reliability(np.array([0.0, 1.0]), truth, 0.1)
    assert wrong.brier == pytest.approx(1.0)
    assert wrong.calibration_error == pytest.approx(1.0)


def test_weights_replace_counts() -> None:
    """Half of the commands in the highest bin are misfires, but hardly any at the base rate."""
    truth = np.array([True] * 10 + [False] * 10 + [False] * 80)
    probabilities = np.concatenate([np.full(20, 0.6), np.full(80, 1e-6)])
    highest = reliability(probabilities, truth, 0.001).bins[-1]
    assert (highest.commands, highest.misfires) == (20, 10)
    assert highest.observed == pytest.approx(0.001 / (0.001 + 0.999 * 10 / 90))


def test_budgets_count_p_values_up_to_them() -> None:
    meant = [replace(MEANT, p_value=value) for value in (0.005, 0.01, 0.2, 0.9)]
    found = budgets(meant, (0.001, 0.01, 0.5))
    assert [each.realised for each in found] == [0.0, 0.5, 0.75]
    assert {each.commands for each in found} == {4}


def test_a_command_without_a_p_value_is_not_interrupted_and_is_counted() -> None:
    (found,) = budgets([MEANT, replace(MEANT, p_value=0.001)], (0.01,))
    assert (found.realised, found.abstained) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("interrupted", "holds"),
    [(0, True), (10, True), (15, True), (16, False), (100, False)],
    ids=str,
)
def test_a_budget_holds_within_binomial_error(interrupted: int, holds: bool) -> None:
    """For 1,000 commands at 1 %, an exact binomial test at 95 % also rejects from 16 on."""
    meant = [replace(MEANT, p_value=0.005)] * interrupted + [replace(MEANT, p_value=0.5)] * (
        1_000 - interrupted
    )
    assert budgets(meant, (0.01,))[0].holds is holds
