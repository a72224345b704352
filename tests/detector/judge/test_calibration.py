import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import RiskClass
from detector.judge.calibration import Calibration

KNOWN = (RiskClass.PURCHASE, False)
NEW = (RiskClass.PURCHASE, True)
SCORES = st.lists(st.floats(-50, 50), min_size=1, max_size=60)


def calibrated(scores: list[float]) -> Calibration:
    return Calibration({KNOWN: np.sort(np.array(scores))})


@pytest.mark.parametrize("budget", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("calibration_size", [99, 250])
@pytest.mark.parametrize("ties", [False, True], ids=["continuous", "ties"])
def test_a_budget_is_kept_however_good_the_score_is(
    budget: float, calibration_size: int, ties: bool
) -> None:
    """P(p <= budget) <= budget for exchangeable scores, within 3 standard errors of 4,000 draws."""
    rng = np.random.default_rng([int(budget * 1000), calibration_size, ties])
    draws = 4000
    scores = rng.standard_t(2, (draws, calibration_size + 1))
    if ties:
        scores = np.round(scores)
    interrupted = 0
    for row in scores:
        p_value = calibrated(row[1:].tolist()).p_value(KNOWN, float(row[0]), budget)
        assert p_value is not None
        interrupted += p_value <= budget
    assert interrupted / draws <= budget + 3 * math.sqrt(budget * (1 - budget) / draws)
    if not ties:
        # The budget is also used up: without ties, p-values are exact up to steps of 1 / (n + 1).
        exact = math.floor(budget * (calibration_size + 1)) / (calibration_size + 1)
        assert interrupted / draws >= exact - 3 * math.sqrt(budget * (1 - budget) / draws)


@given(SCORES, st.floats(-60, 60))
def test_a_p_value_is_the_share_of_scores_at_least_as_high_including_its_own(
    scores: list[float], score: float
) -> None:
    expected = (1 + sum(other >= score for other in scores)) / (len(scores) + 1)
    assert calibrated(scores).p_value(KNOWN, score, 1.0) == pytest.approx(expected)


@given(SCORES, st.floats(-60, 60), st.floats(-60, 60))
def test_a_higher_score_never_has_a_higher_p_value(
    scores: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    calibration = calibrated(scores)
    of_low, of_high = calibration.p_value(KNOWN, low, 1.0), calibration.p_value(KNOWN, high, 1.0)
    assert of_low is not None
    assert of_high is not None
    assert of_high <= of_low


def test_too_little_data_gives_no_p_value_and_just_enough_gives_one() -> None:
    assert calibrated([0.0] * 98).p_value(KNOWN, 1.0, 0.01) is None
    assert calibrated([0.0] * 99).p_value(KNOWN, 1.0, 0.01) == 0.01
    assert Calibration({}).p_value(KNOWN, 1.0, 0.01) is None


def test_a_budget_of_zero_is_never_reached() -> None:
    assert calibrated([0.0] * 5000).p_value(KNOWN, 1.0, 0.0) is None


def test_a_small_category_borrows_scores_of_its_risk_class() -> None:
    calibration = Calibration({KNOWN: np.full(80, 0.0), NEW: np.full(19, 5.0)})
    assert calibration.p_value(NEW, 5.0, 0.01) == (1 + 19) / 100
    assert calibration.p_value(KNOWN, 5.0, 0.01) == (1 + 19) / 100
    assert (
        calibration.p_value(NEW, 1.0, 0.05) == (1 + 19) / 20
    )  # 19 scores are enough for this budget, so none are borrowed


def test_scores_of_another_risk_class_are_not_borrowed() -> None:
    calibration = Calibration({KNOWN: np.full(1000, 0.0)})
    assert calibration.p_value((RiskClass.PHYSICAL, False), 1.0, 0.01) is None
