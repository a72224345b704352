import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.evidence import TERMS
from detector.judge.judge import Judge, misfire_probability
from tests.detector.builders import hand_judge

NAMES = tuple(term.name for term in TERMS)
WAKE = NAMES.index("wake_confidence")


def evidence_with(wake: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = np.zeros(len(NAMES))
    values[WAKE] = wake
    return values


@pytest.mark.parametrize(
    ("wake", "bits"),
    [(0.0, 7.0), (0.25, 7.0), (0.26, 2.0), (0.5, 2.0), (0.51, -3.0), (math.nan, -3.0)],
)
def test_thresholds_and_missing_values_decide_the_child(wake: float, bits: float) -> None:
    judge = hand_judge(bits=(7.0, 2.0, -3.0))
    contributions = judge.contributions(evidence_with(wake))
    assert contributions[WAKE] == judge.ratio_bits(evidence_with(wake)) == bits
    assert np.count_nonzero(contributions) == 1


def test_a_missing_value_goes_low_where_the_node_says_so() -> None:
    judge = hand_judge(bits=(7.0, 2.0, -3.0))
    low = Judge(
        NAMES,
        judge.roots,
        judge.term + len(NAMES),
        judge.threshold,
        judge.children,
        judge.bits,
        0.0,
        2,
    )
    assert low.ratio_bits(evidence_with(math.nan)) == 7.0
    assert low.ratio_bits(evidence_with(0.9)) == -3.0


def test_each_change_is_credited_to_the_term_of_its_split() -> None:
    """A tree worked by hand: 1 -> 4 at the split on term 0, 4 -> 2.5 at the split on term 1."""
    judge = Judge(
        names=("x", "y"),
        roots=np.array([0, 5]),
        term=np.array([0, 0, 1, 0, 0, 1]),
        threshold=np.array([0.0, np.inf, 5.0, np.inf, np.inf, np.inf]),
        children=np.array([[1, 2], [1, 1], [3, 4], [3, 3], [4, 4], [5, 5]]),
        bits=np.array([1.0, -1.0, 4.0, 2.5, 9.0, 0.25]),
        offset_bits=1.25,
        depth=2,
    )
    np.testing.assert_array_equal(judge.contributions(np.array([1.0, 5.0])), [3.0, -1.5])
    assert judge.ratio_bits(np.array([1.0, 5.0])) == 1.25 + 3.0 - 1.5
    np.testing.assert_array_equal(judge.contributions(np.array([-1.0, 9.0])), [-2.0, 0.0])


def test_a_judge_without_trees_has_its_offset() -> None:
    none, node = np.empty(0, int), np.empty((0, 2), int)
    judge = Judge(("x",), none, none, np.empty(0), node, np.empty(0), 0.5, 0)
    assert judge.ratio_bits(np.array([3.0])) == 0.5


@given(st.floats(-2000, 2000), st.floats(1e-6, 0.5))
def test_a_misfire_probability_follows_bayes_rule(ratio: float, base_rate: float) -> None:
    found = misfire_probability(ratio, base_rate)
    assert 0.0 <= found <= 1.0
    if abs(ratio) < 100:
        odds = 2.0**ratio * base_rate / (1 - base_rate)
        assert found == pytest.approx(odds / (1 + odds), rel=1e-9)


def test_no_evidence_gives_the_base_rate() -> None:
    assert misfire_probability(0.0, 0.001) == pytest.approx(0.001)
