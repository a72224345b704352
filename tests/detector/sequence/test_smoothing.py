import numpy as np
import pytest
from hypothesis import given

from detector.sequence.cloned_hmm import ClonedHMM
from detector.sequence.smoothing import smooth
from tests.detector.strategies import Problem, problems


@given(problems())
def test_every_row_sums_to_one(problem: Problem) -> None:
    model = smooth(problem.fitted())
    leaving = np.zeros_like(model.escape)
    np.add.at(leaving, model.pairs[:, 0], model.blocks.sum(axis=2))
    np.testing.assert_allclose(leaving + model.escape, 1.0, rtol=1e-12)
    np.testing.assert_allclose(model.backoff.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(model.arrival.sum(axis=1), 1.0, rtol=1e-12)


@given(problems())
def test_all_probabilities_are_positive(problem: Problem) -> None:
    model = smooth(problem.fitted())
    assert np.all(model.escape > 0)
    assert np.all(model.backoff > 0)
    assert np.all(model.arrival > 0)
    assert np.all(model.blocks >= 0)


def test_a_clone_without_transitions_backs_off_completely() -> None:
    model = smooth(ClonedHMM(3, 2).fit([0, 1]))
    np.testing.assert_array_equal(model.escape[1], 1.0)
    np.testing.assert_array_equal(model.escape[2], 1.0)


def test_witten_bell_worked_by_hand() -> None:
    # One clone, the sequence 0 0 1: start -> 0; 0 -> 0; 0 -> 1. Symbol 2 is never seen.
    model = smooth(ClonedHMM(3, 1).fit([0, 0, 1]))
    # Unigram: (2, 1, 0) of 3 with 2 kinds, backed off to 1/3 each:
    # (2 + 2/3) / 5, (1 + 2/3) / 5, (2/3) / 5.
    unigram = np.array([8, 5, 2]) / 15
    # From 0: 1 x 0 and 1 x 1 with 2 kinds; from the start: 1 x 0 with 1 kind; from 1 and 2: none.
    np.testing.assert_allclose(model.backoff[0], (np.array([1, 1, 0]) + 2 * unigram) / 4)
    np.testing.assert_allclose(model.backoff[3], (np.array([1, 0, 0]) + unigram) / 2)
    np.testing.assert_allclose(model.backoff[1:3], [unigram, unigram])
    # The clone of 0 saw two continuations of two kinds; the start one of one kind.
    np.testing.assert_allclose(model.escape[:, 0], [0.5, 1.0, 1.0, 0.5])
    assert model.step(model.fresh(), model.start, 0)[1] == pytest.approx(
        -np.log2(0.5 * 1 + 0.5 * (1 + unigram[0]) / 2)
    )


def test_more_evidence_means_less_back_off() -> None:
    few = smooth(ClonedHMM(2, 1).fit([0, 1] * 3, [2] * 3))
    many = smooth(ClonedHMM(2, 1).fit([0, 1] * 30, [2] * 30))
    assert many.escape[0, 0] < few.escape[0, 0]
    assert many.backoff[0, 0] < few.backoff[0, 0]
