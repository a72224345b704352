from __future__ import annotations

import math

import numpy as np

from streams.local.bench.trend import trend

SECONDS = [10.0 * number for number in range(360)]


def test_a_line_is_found_exactly() -> None:
    found = trend(SECONDS, [100.0 + 2.5 * each / 3600.0 for each in SECONDS])
    assert (found.per_hour, found.band) == (2.5, 0.0)
    assert found.rises


def test_noise_around_a_constant_does_not_rise() -> None:
    noise = np.random.default_rng(0).normal(size=len(SECONDS))
    found = trend(SECONDS, list(100.0 + noise))
    assert abs(found.per_hour) < found.band < 1.0
    assert not found.rises


def test_a_leak_that_is_larger_than_the_noise_rises() -> None:
    noise = np.random.default_rng(0).normal(size=len(SECONDS))
    leaking = [100.0 + 3.0 * at / 3600.0 + each for at, each in zip(SECONDS, noise, strict=True)]
    assert trend(SECONDS, leaking).rises


def test_a_fall_does_not_rise() -> None:
    assert not trend(SECONDS, [-each for each in SECONDS]).rises


def test_too_few_measurements_show_nothing() -> None:
    found = trend(SECONDS[:19], SECONDS[:19])
    assert found.band == math.inf
    assert not found.rises
