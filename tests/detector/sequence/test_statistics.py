from __future__ import annotations

import numpy as np
import pytest

from detector.sequence.batch_surprisals import batch_surprisals
from detector.sequence.cloned_hmm import ClonedHMM
from detector.sequence.smoothing import smooth
from detector.sequence.statistics import STATISTICS, Statistics, number_symbols, numbers

RNG = np.random.default_rng(0)
NORMAL = [("a", "b") * size for size in range(1, 9)] + [("c",)] * 8
NUMBERS = number_symbols(NORMAL)
FLAT, SIZES = numbers(NORMAL, NUMBERS)
MODELS = tuple(smooth(ClonedHMM(len(NUMBERS) + 2, clones).fit(FLAT, SIZES)) for clones in (1, 3))
FITTED = Statistics.fit(NORMAL, NUMBERS, MODELS, RNG)


def statistic(name: str, *sequence: str) -> float:
    return float(FITTED.compute([sequence])[0, list(STATISTICS).index(name)])


@pytest.mark.parametrize("model", MODELS)
def test_a_batch_gives_the_surprisals_of_single_steps(model: object) -> None:
    tested = [("a", "b", "a"), ("c", "a"), ("new", "b", "b", "c")]
    flat, sizes = numbers(tested, NUMBERS)
    together = batch_surprisals(model, flat, sizes)  # type: ignore[arg-type]
    alone = [bits for one in tested for bits in model.surprisals(numbers([one], NUMBERS)[0])]  # type: ignore[attr-defined]
    np.testing.assert_allclose(together, alone)


def test_the_statistics_of_a_batch_are_those_of_single_sequences() -> None:
    together = FITTED.compute(NORMAL)
    alone = np.concatenate([FITTED.compute([one]) for one in NORMAL])
    np.testing.assert_allclose(together, alone)


def test_mean_and_window_agree_on_short_sequences() -> None:
    assert statistic("window", "a", "b", "b") == pytest.approx(statistic("mean", "a", "b", "b"))


def test_a_window_finds_a_stretch_that_the_mean_hides() -> None:
    hidden = ("a", "b") * 100 + ("b", "a", "c") * 11 + ("a", "b") * 100
    assert statistic("window", *hidden) > 3.0 * statistic("mean", *hidden)


def test_the_maximum_is_that_of_the_mixture() -> None:
    flat, sizes = numbers([("a", "c")], NUMBERS)
    likely = np.mean([2.0 ** -batch_surprisals(model, flat, sizes) for model in MODELS], axis=0)
    assert statistic("maximum", "a", "c") == pytest.approx(-np.log2(likely.min()))


def test_counts_worked_by_hand() -> None:
    # Of 16 normal sequences, 8 have a c, and 8 none; none has two.
    assert statistic("counts", "c", "c") == pytest.approx(-np.log2(0.5 / (16 + 0.5 * 3)))
    # Six and seven share a bin, which two normal sequences reach. Five has its own.
    assert statistic("counts", *("a", "b") * 6) == statistic("counts", *("a", "b") * 7)
    assert statistic("counts", *("a", "b") * 5) > statistic("counts", *("a", "b") * 6)


def test_distances_compare_contents() -> None:
    assert statistic("symbols", *("a", "b") * 3) == pytest.approx(0.0)
    assert statistic("symbols", *("a",) * 3, *("b",) * 3) == pytest.approx(0.0)
    assert statistic("pairs", *("a", "b") * 3) == pytest.approx(0.0)
    assert statistic("pairs", *("a",) * 3, *("b",) * 3) > 0.2
