import math

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from detector.contracts.errors import NotEnoughData
from detector.evidence.conformance import check_judge
from detector.training.fit_judge import PARAMETERS, fit_judge

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def chains(seed: int = 0, n: int = 600) -> tuple[Floats, Bools]:
    """Return evidence of three terms: informative, noise, and often missing for misfires."""
    rng = np.random.default_rng(seed)
    misfires = rng.random(n) < 0.4
    values = rng.normal(size=(n, 3))
    values[misfires, 0] += 2.0
    values[rng.random(n) < np.where(misfires, 0.6, 0.1), 2] = np.nan
    return values, misfires


VALUES, MISFIRES = chains()
NAMES = ("informative", "noise", "missing")
JUDGE = fit_judge(VALUES, MISFIRES, NAMES, trees=30)
#: Rows unlike the training data: extremes, and missing values where none were missing.
STRANGE = np.array(
    [[np.nan] * 3, [1e300] * 3, [-1e300] * 3, [0.0, np.nan, 5.0], [np.nan, 0.0, np.nan]]
)


def ratios(values: Floats) -> Floats:
    return np.array([JUDGE.ratio_bits(row) for row in values])


def test_the_exported_trees_equal_scikit_learns() -> None:
    """The exported trees equal its decision function, in bits, minus the prior log-odds."""
    booster = HistGradientBoostingClassifier(
        max_iter=30, random_state=0, min_samples_leaf=60, l2_regularization=9.0, **PARAMETERS
    )
    with threadpool_limits(1):  # threads that wait for each other cost more than they save
        booster.fit(VALUES, MISFIRES)
    share = MISFIRES.mean()
    for values in (VALUES, STRANGE):
        expected = (booster.decision_function(values) - math.log(share / (1 - share))) / math.log(2)
        np.testing.assert_allclose(ratios(values), expected, rtol=1e-9, atol=1e-9)


def test_a_fitted_judge_passes_the_battery() -> None:
    check_judge(JUDGE, np.concatenate([VALUES[:100], STRANGE]))


def test_contributions_average_to_zero_over_the_training_chains() -> None:
    """Over the training chains, the contributions of every term to the log-odds sum to zero."""
    contributions = np.array([JUDGE.contributions(row) for row in VALUES])
    np.testing.assert_allclose(contributions.mean(axis=0), 0.0, atol=1e-6)


def test_the_informative_term_gets_the_bits() -> None:
    bits = np.abs([JUDGE.contributions(row) for row in VALUES]).mean(axis=0)
    assert bits[0] > 3 * bits[1]
    assert bits[2] > bits[1]


def test_missing_is_treated_as_a_value() -> None:
    missing = JUDGE.contributions(np.array([0.0, 0.0, np.nan]))[2]
    known = [
        JUDGE.contributions(np.array([0.0, 0.0, value]))[2] for value in np.linspace(-4, 4, 81)
    ]
    assert missing > 0.3
    assert missing > max(known)


def test_a_newly_missing_value_is_not_treated_as_the_most_suspicious() -> None:
    missing = JUDGE.contributions(np.array([np.nan, 0.0, 0.0]))[0]
    known = [
        JUDGE.contributions(np.array([value, 0.0, 0.0]))[0] for value in np.linspace(-4, 4, 81)
    ]
    assert missing < 0.5 * max(known)


def test_separable_chains_are_separated_and_stay_finite() -> None:
    rng = np.random.default_rng(1)
    misfires = rng.random(200) < 0.5
    values = np.where(misfires, 5.0, -5.0)[:, None] + rng.normal(size=(200, 1))
    judge = fit_judge(values, misfires, ("all",))
    found = np.array([judge.ratio_bits(row) for row in values])
    assert np.isfinite(found).all()
    assert found[misfires].min() > 3.0
    assert found[~misfires].max() < -3.0


def test_interactions_of_terms_are_learned() -> None:
    """An exclusive or is not a sum of single terms."""
    values = np.random.default_rng(2).normal(size=(800, 2))
    misfires = (values[:, 0] > 0) != (values[:, 1] > 0)
    judge = fit_judge(values, misfires, ("x", "y"), trees=30)
    found = np.array([judge.ratio_bits(row) for row in values])
    assert ((found > 0) == misfires).mean() > 0.95


def test_the_ratio_does_not_depend_on_the_share_of_misfires() -> None:
    values, misfires = chains(seed=2, n=4000)
    keep = ~misfires | (np.random.default_rng(0).random(4000) < 0.25)
    full = fit_judge(values, misfires, NAMES, trees=30)
    thinned = fit_judge(values[keep], misfires[keep], NAMES, trees=30)
    difference = np.mean([full.ratio_bits(row) - thinned.ratio_bits(row) for row in values[:500]])
    # A quarter of the misfires shifts the log-odds by two bits, but the ratio hardly changes.
    assert abs(difference) < 0.7


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("constant", [0.0, np.nan], ids=["zero", "missing"])
def test_a_constant_term_contributes_nothing_in_any_position(place: int, constant: float) -> None:
    values = np.insert(VALUES[:, :2], place, constant, axis=1)
    judge = fit_judge(values, MISFIRES, NAMES, trees=30)
    assert judge.names == NAMES
    found = np.array([judge.ratio_bits(row) for row in values])
    assert all(judge.contributions(row)[place] == 0.0 for row in values[:20])
    assert found[MISFIRES].mean() > found[~MISFIRES].mean() + 1


def test_a_value_of_a_term_that_was_always_missing_contributes_nothing() -> None:
    values = np.insert(VALUES[:, :2], 2, np.nan, axis=1)
    judge = fit_judge(values, MISFIRES, NAMES, trees=10)
    assert judge.contributions(np.array([0.0, 0.0, 5.0]))[2] == 0.0


def test_constant_terms_alone_give_no_evidence() -> None:
    judge = fit_judge(np.zeros((20, 2)), np.arange(20) < 5, NAMES[:2])
    assert judge.ratio_bits(np.zeros(2)) == 0.0
    assert judge.ratio_bits(np.array([np.nan, 7.0])) == 0.0


def test_the_same_chains_give_the_same_judge() -> None:
    again = fit_judge(VALUES, MISFIRES, NAMES, trees=30)
    for name in ("roots", "term", "threshold", "children", "bits"):
        np.testing.assert_array_equal(getattr(again, name), getattr(JUDGE, name))
    assert again.offset_bits == JUDGE.offset_bits


@pytest.mark.parametrize(
    "misfires", [np.zeros(4, dtype=bool), np.ones(4, dtype=bool)], ids=["meant", "misfires"]
)
def test_a_single_label_is_not_enough(misfires: Bools) -> None:
    with pytest.raises(NotEnoughData, match=r"has [04] and [04]; train on a longer stream"):
        fit_judge(np.zeros((4, 1)), misfires, ("x",))


def test_a_lower_confidence_never_makes_a_command_less_suspicious() -> None:
    """Some meant chains are mumbled more than any misfire here; that must not excuse a misfire."""
    rng = np.random.default_rng(0)
    misfires = rng.random(1_000) < 0.4
    heard = np.where(misfires, 0.6, np.where(rng.random(1_000) < 0.2, 0.2, 0.9))
    values = np.stack([rng.normal(size=1_000), heard + rng.normal(0.0, 0.05, 1_000)], axis=1)

    judge = fit_judge(values, misfires, ("noise", "wake_confidence"), trees=30)

    for noise in (-1.0, 0.0, 1.0):
        bits = [judge.ratio_bits(np.array([noise, low])) for low in np.linspace(0.0, 1.0, 101)]
        assert np.all(np.diff(bits) <= 1e-9)
        assert bits[0] - bits[-1] > 1.0
