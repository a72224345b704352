from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.sequence.p_values import UsualValues

SAME = np.zeros(200)


def test_higher_values_are_rarer_and_stay_finite() -> None:
    usual, _ = UsualValues.fit(np.random.default_rng(1).normal(size=200), SAME)
    values = np.linspace(-5.0, 50.0, 100)
    bits = usual.surprise(values, np.zeros(100))
    assert (np.diff(bits) >= 0.0).all()
    assert 0.0 < bits[0] < 0.1
    assert 20.0 < bits[-1] <= 100.0


@pytest.mark.parametrize("draw", ["normal", "exponential", "standard_t"])
def test_p_values_of_further_values_are_uniform(draw: str) -> None:
    def values(seed: int, size: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return rng.standard_t(3, size) if draw == "standard_t" else getattr(rng, draw)(size=size)

    usual, own = UsualValues.fit(values(1, 1000), np.zeros(1000))
    further = usual.surprise(values(2, 20_000), np.zeros(20_000))
    for share in (0.01, 0.05, 0.2, 0.5):
        # Three standard deviations for 1,000 values.
        tolerance = 3.0 * np.sqrt(share * (1.0 - share) / 1000)
        assert (further > -np.log2(share)).mean() == pytest.approx(share, abs=tolerance)
        assert (own > -np.log2(share)).mean() == pytest.approx(share, abs=0.02)


def test_values_are_compared_with_those_of_similar_length() -> None:
    rng = np.random.default_rng(3)
    lengths = np.repeat([4.0, 8.0], 200)
    usual, _ = UsualValues.fit(2.0 * lengths + rng.normal(0.0, 0.1, 400), lengths)
    long_value, short_value, usual_value = usual.surprise(
        np.array([16.0, 8.0, 16.0]), np.array([4.0, 8.0, 8.0])
    )
    assert long_value > 5.0  # it is usual for long sequences only
    assert short_value < 0.1
    assert usual_value < 2.0


def test_a_constant_statistic_has_usual_values_only() -> None:
    usual, own = UsualValues.fit(np.full(200, 3.0), SAME)
    assert own == pytest.approx(np.full(200, 1.0), abs=0.01)
    assert usual.surprise(np.array([3.0, 4.0]), np.zeros(2)).tolist() == pytest.approx(
        [own[0], 100.0]
    )


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40), st.floats(-1e6, 1e6))
def test_any_values_give_finite_bits(values: list[float], other: float) -> None:
    usual, own = UsualValues.fit(np.array(values), np.linspace(0.0, 3.0, len(values)))
    bits = usual.surprise(np.array([other]), np.array([9.0]))
    assert np.isfinite(own).all()
    assert np.isfinite(bits).all()
    assert (bits >= 0.0).all()
