from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.errors import BundleError
from detector.decision.bundle import bundle_from_files, bundle_to_files
from detector.evidence.drift import BINS, Distribution, fit_distribution, stability_index
from tests.detector.builders import hand_bundle

values = st.floats(-1e6, 1e6) | st.just(float("nan"))


@given(st.lists(values, min_size=1, max_size=60))
def test_every_value_has_a_bin_and_training_data_fill_their_own_shares(column: list[float]) -> None:
    rows = [np.array([value]) for value in column]
    found = fit_distribution(rows)
    counts = np.bincount([int(found.bins(row)[0]) for row in rows], minlength=BINS + 1).astype(
        float
    )

    assert np.allclose(counts / len(rows), found.shares[0])
    assert found.shares[0].sum() == pytest.approx(1)
    assert stability_index(found.shares[0], counts) == pytest.approx(0)


def test_bins_of_continuous_values_are_tenths_and_missing_values_have_their_own() -> None:
    rng = np.random.default_rng(0)
    rows = [np.array([value, np.nan]) for value in rng.normal(size=1_000)]

    found = fit_distribution(rows)

    assert found.shares[0, :BINS] == pytest.approx(0.1, abs=0.005)
    assert found.shares[1].tolist() == [0.0] * BINS + [1.0]


def test_a_missing_channel_and_a_shift_are_drift_but_a_new_sample_is_not() -> None:
    rng = np.random.default_rng(0)
    found = fit_distribution([np.array([value]) for value in rng.normal(size=2_000)])

    def drifted(column: np.ndarray) -> float:
        bins = [int(found.bins(np.array([value]))[0]) for value in column]
        return float(
            stability_index(found.shares[0], np.bincount(bins, minlength=BINS + 1).astype(float))
        )

    assert drifted(rng.normal(size=2_000)) < 0.1
    assert drifted(rng.normal(loc=1.0, size=2_000)) > 0.25
    assert drifted(np.full(10, np.nan)) > 0.25


def test_the_index_is_the_published_formula() -> None:
    then, now = np.array([0.2, 0.3, 0.5]), np.array([0.1, 0.3, 0.6])

    assert stability_index(then, now) == pytest.approx(-0.1 * np.log(0.5) + 0.1 * np.log(1.2))


def trained() -> Distribution:
    plain = hand_bundle()
    rng = np.random.default_rng(0)
    return fit_distribution(list(rng.normal(size=(50, len(plain.judge.names)))))


def test_a_bundle_stores_the_distribution_and_loads_without_one() -> None:
    plain, training = hand_bundle(), trained()
    kept = hand_bundle(training=training)

    again = bundle_from_files(bundle_to_files(kept)).training

    assert again is not None
    assert np.array_equal(again.edges, training.edges)
    assert np.array_equal(again.shares, training.shares)
    assert kept.version != plain.version
    assert bundle_from_files(bundle_to_files(plain)).training is None


def test_a_distribution_of_other_terms_is_rejected() -> None:
    training = trained()
    short = Distribution(training.edges[1:], training.shares[1:])
    files = bundle_to_files(hand_bundle(training=short))

    with pytest.raises(BundleError, match=r"training\.edges has the shape"):
        bundle_from_files(files)
