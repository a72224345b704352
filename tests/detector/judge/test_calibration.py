import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import RiskClass
from detector.judge.calibration import Calibration, Category, Rank

KNOWN = (RiskClass.PURCHASE, False)
NEW = (RiskClass.PURCHASE, True)
SCORES = st.lists(st.floats(-50, 50), min_size=1, max_size=60)


def p_value(calibration: Calibration, category: Category, score: float, budget: float) -> float:
    rank = calibration.rank(category, score, budget)
    assert rank is not None
    return rank.p_value


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
        rank = calibrated(row[1:].tolist()).rank(KNOWN, float(row[0]), budget)
        assert rank is not None
        interrupted += rank.unusual
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
    assert p_value(calibrated(scores), KNOWN, score, 1.0) == pytest.approx(expected)


@given(SCORES, st.floats(-60, 60), st.floats(-60, 60))
def test_a_higher_score_never_has_a_higher_p_value(
    scores: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    calibration = calibrated(scores)
    assert p_value(calibration, KNOWN, high, 1.0) <= p_value(calibration, KNOWN, low, 1.0)


def test_with_too_few_scores_the_highest_is_a_threshold_for_what_they_can_promise() -> None:
    assert calibrated([0.0] * 44).rank(KNOWN, 1.0, 0.01) == Rank(1 / 45, 1 / 45)
    assert calibrated([0.0] * 98).rank(KNOWN, 1.0, 0.01) == Rank(1 / 99, 1 / 99)
    assert calibrated([0.0] * 99).rank(KNOWN, 1.0, 0.01) == Rank(0.01, 0.01)
    assert calibrated([0.0] * 44).rank(KNOWN, 0.0, 0.01) == Rank(1.0, 1 / 45)


def test_too_few_scores_for_five_times_the_budget_give_no_rank() -> None:
    assert calibrated([0.0] * 19).rank(KNOWN, 1.0, 0.01) is not None
    assert calibrated([0.0] * 18).rank(KNOWN, 1.0, 0.01) is None
    assert Calibration({}).rank(KNOWN, 1.0, 0.01) is None


def test_a_budget_of_zero_is_never_reached() -> None:
    assert calibrated([0.0] * 5000).rank(KNOWN, 1.0, 0.0) is None


def test_a_small_category_borrows_scores_of_its_risk_class() -> None:
    calibration = Calibration({KNOWN: np.full(80, 0.0), NEW: np.full(19, 5.0)})
    assert p_value(calibration, NEW, 5.0, 0.01) == (1 + 19) / 100
    assert p_value(calibration, KNOWN, 5.0, 0.01) == (1 + 19) / 100
    assert (
        p_value(calibration, NEW, 1.0, 0.05) == (1 + 19) / 20
    )  # 19 scores are enough for this budget, so none are borrowed


def test_a_class_borrows_from_classes_of_similar_harm_before_all_others() -> None:
    physical, lights = (RiskClass.PHYSICAL, False), (RiskClass.REVERSIBLE, False)
    calibration = Calibration({KNOWN: np.full(99, 0.0), lights: np.full(900, 9.0)})
    assert calibration.rank(physical, 1.0, 0.01) == Rank(0.01, 0.01)
    only_lights = Calibration({lights: np.full(999, 9.0)})
    assert only_lights.rank(physical, 10.0, 0.01) == Rank(0.001, 0.01)


@pytest.mark.parametrize(
    ("own", "others", "text"),
    [
        (44, 0, "purchase: 44 of 99 scores; at most 2.2% of false interruptions can be promised"),
        (5, 500, "purchase: 5 of 99 scores; the scores of other classes are used as well"),
        (5, 0, "purchase: 5 of 99 scores; the policy's fallback decides every command"),
    ],
)
def test_a_thin_class_says_what_it_can_promise(own: int, others: int, text: str) -> None:
    calibration = Calibration(
        {KNOWN: np.zeros(own), (RiskClass.REVERSIBLE, True): np.zeros(others)}
    )
    assert [str(each) for each in calibration.thin({RiskClass.PURCHASE: 0.01})] == [text]


def test_a_class_with_enough_scores_is_not_thin() -> None:
    assert calibrated([0.0] * 99).thin({RiskClass.PURCHASE: 0.01}) == []
