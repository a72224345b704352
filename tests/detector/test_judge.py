import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.errors import NotEnoughData
from detector.judge import Judge, fit_judge, misfire_probability

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def chains(seed: int = 0, n: int = 600) -> tuple[Floats, Bools]:
    """Evidence of three terms: one that tells, one that does not, one that is often missing for misfires."""
    rng = np.random.default_rng(seed)
    misfires = rng.random(n) < 0.4
    values = rng.normal(size=(n, 3))
    values[misfires, 0] += 2.0
    values[rng.random(n) < np.where(misfires, 0.6, 0.1), 2] = np.nan
    return values, misfires


VALUES, MISFIRES = chains()
NAMES = ("telling", "noise", "missing")
JUDGE = fit_judge(VALUES, MISFIRES, NAMES)


def test_contributions_and_the_offset_add_up_to_the_ratio() -> None:
    contributions = JUDGE.contributions(VALUES)
    np.testing.assert_allclose(JUDGE.offset_bits + contributions.sum(axis=1), JUDGE.ratio_bits(VALUES))
    assert contributions.shape == VALUES.shape


def test_on_meant_chains_every_term_contributes_nothing_on_average() -> None:
    np.testing.assert_allclose(JUDGE.contributions(VALUES[~MISFIRES]).mean(axis=0), 0.0, atol=1e-9)


def test_one_row_is_what_it_is_among_many() -> None:
    together = JUDGE.contributions(VALUES)
    for row, expected in zip(VALUES[:50], together[:50], strict=True):
        np.testing.assert_array_equal(JUDGE.contributions(row), expected)


def test_what_tells_apart_gets_the_bits() -> None:
    bits = np.abs(JUDGE.contributions(VALUES)).mean(axis=0)
    assert bits[0] > 3 * bits[1]
    assert bits[2] > bits[1]


def test_missing_has_a_bin_of_its_own() -> None:
    missing = JUDGE.contributions(np.array([0.0, 0.0, np.nan]))[2]
    known = JUDGE.contributions(np.stack([np.zeros(81), np.zeros(81), np.linspace(-4, 4, 81)], axis=1))[:, 2]
    assert missing > 1.0
    assert missing > known.max()


def test_what_was_never_missing_in_training_says_nothing_when_it_is() -> None:
    contributions = JUDGE.contributions(np.array([np.nan, np.nan, 0.0]))
    np.testing.assert_allclose(contributions[:2], 0.0, atol=1e-9)


def test_what_was_always_missing_in_training_says_nothing_when_it_is_there() -> None:
    values = np.column_stack([VALUES[:, 0], np.full(len(VALUES), np.nan)])
    judge = fit_judge(values, MISFIRES, NAMES[:2])
    np.testing.assert_allclose(judge.contributions(np.array([0.0, 5.0]))[1], 0.0, atol=1e-9)


def test_separable_chains_are_separated_and_stay_finite() -> None:
    rng = np.random.default_rng(1)
    misfires = rng.random(200) < 0.5
    values = np.where(misfires, 5.0, -5.0)[:, None] + rng.normal(size=(200, 1))
    judge = fit_judge(values, misfires, ("all",))
    ratios = judge.ratio_bits(values)
    assert np.isfinite(ratios).all()
    assert ratios[misfires].min() > 1.0
    assert ratios[~misfires].max() < -1.0


def test_the_ratio_does_not_know_how_many_misfires_training_held() -> None:
    values, misfires = chains(seed=2, n=4000)
    keep = ~misfires | (np.random.default_rng(0).random(4000) < 0.25)
    full, thinned = fit_judge(values, misfires, NAMES), fit_judge(values[keep], misfires[keep], NAMES)
    difference = (full.ratio_bits(values) - thinned.ratio_bits(values)).mean()
    # A quarter of the misfires would shift the log-odds by two bits; the ratio stays where it was.
    assert abs(difference) < 0.5


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("constant", [0.0, np.nan], ids=["zero", "missing"])
def test_a_constant_term_says_nothing_wherever_it_stands(place: int, constant: float) -> None:
    values = np.insert(VALUES[:, :2], place, constant, axis=1)
    judge = fit_judge(values, MISFIRES, NAMES)
    contributions = judge.contributions(values)
    np.testing.assert_allclose(contributions[:, place], 0.0, atol=1e-9)
    assert judge.ratio_bits(values)[MISFIRES].mean() > judge.ratio_bits(values)[~MISFIRES].mean() + 2


def test_nothing_but_constants_is_no_evidence() -> None:
    judge = fit_judge(np.zeros((20, 2)), np.arange(20) < 5, NAMES[:2])
    assert judge.ratio_bits(np.zeros(2)) == pytest.approx(0.0, abs=1e-9)


def test_the_same_chains_give_the_same_judge() -> None:
    again = fit_judge(VALUES, MISFIRES, NAMES)
    np.testing.assert_array_equal(again.bits, JUDGE.bits)
    np.testing.assert_array_equal(again.edges, JUDGE.edges)
    assert again.offset_bits == JUDGE.offset_bits


@pytest.mark.parametrize(
    "misfires", [np.zeros(4, dtype=bool), np.ones(4, dtype=bool)], ids=["meant", "misfires"]
)
def test_one_kind_alone_is_not_enough(misfires: Bools) -> None:
    with pytest.raises(NotEnoughData, match=r"has [04] and [04]; train on a longer stream"):
        fit_judge(np.zeros((4, 1)), misfires, ("x",))


@settings(max_examples=25)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=3, max_size=3))
def test_any_value_has_a_finite_contribution(row: list[float]) -> None:
    assert np.isfinite(JUDGE.contributions(np.array(row))).all()


def test_a_value_on_an_edge_is_in_the_lower_bin() -> None:
    judge = Judge(("x",), np.array([[1.0, 2.0]]), np.array([[9.0, 0.0, 1.0, 2.0]]), 0.5)
    found = [float(judge.ratio_bits(np.array([value]))) for value in (0.0, 1.0, 1.5, 2.0, 2.5, math.nan)]
    assert found == [0.5, 0.5, 1.5, 1.5, 2.5, 9.5]


@given(st.floats(-2000, 2000), st.floats(1e-6, 0.5))
def test_a_misfire_probability_is_bayes_rule(ratio: float, base_rate: float) -> None:
    found = misfire_probability(ratio, base_rate)
    assert 0.0 <= found <= 1.0
    if abs(ratio) < 100:
        odds = 2.0**ratio * base_rate / (1 - base_rate)
        assert found == pytest.approx(odds / (1 + odds), rel=1e-9)


def test_no_evidence_is_the_base_rate() -> None:
    assert misfire_probability(0.0, 0.001) == pytest.approx(0.001)
