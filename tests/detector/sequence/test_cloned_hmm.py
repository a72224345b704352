import math
import re
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hmmlearn.hmm import CategoricalHMM
from hypothesis import given

import detector
from detector.contracts.errors import InvalidValue, NotEnoughData
from detector.sequence.cloned_hmm import ClonedHMM
from detector.sequence.forward_backward import expect, lay_out
from detector.sequence.smoothing import smooth
from tests.detector.strategies import Problem, problems

Floats = npt.NDArray[np.float64]


def dense(model: ClonedHMM, transitions: Floats) -> CategoricalHMM:
    """Return the unsmoothed model as hmmlearn's, with the start as a symbol of its own.

    The states are ``symbol * C + clone``, and the clones of the start follow those of the symbols.
    The last state is a sink that follows the clones without transitions. It has its own symbol, so
    no sequence of the tests reaches it.
    """
    symbols, clones = model.n_symbols, model.n_clones
    states = (symbols + 1) * clones + 1
    matrix = np.zeros((states, states))
    for (source, target), block in zip(model.pairs_.tolist(), transitions, strict=True):
        rows = slice(source * clones, (source + 1) * clones)
        matrix[rows, target * clones : (target + 1) * clones] = block
    matrix[matrix.sum(axis=1) == 0, -1] = 1.0
    reference = CategoricalHMM(
        n_components=states, n_features=symbols + 2, init_params="", params="t", n_iter=1
    )
    reference.startprob_ = np.zeros(states)
    reference.startprob_[symbols * clones : (symbols + 1) * clones] = 1.0 / clones
    reference.transmat_ = matrix
    reference.emissionprob_ = np.zeros((states, symbols + 2))
    for state in range(states):
        reference.emissionprob_[state, state // clones if state < states - 1 else symbols + 1] = 1.0
    return reference


def started(problem: Problem) -> tuple[npt.NDArray[np.int64], list[int]]:
    """Return the problem's sequences for ``dense``; each begins with the start symbol."""
    flat = [symbol for sequence in problem.sequences for symbol in [problem.n_symbols, *sequence]]
    return np.array(flat).reshape(-1, 1), [length + 1 for length in problem.lengths]


@given(problems())
def test_score_equals_hmmlearns_on_seen_pairs(problem: Problem) -> None:
    model = problem.fitted()
    symbols, lengths = started(problem)
    expected = dense(model, model.transitions_).score(symbols, lengths)
    assert model.score(problem.flat, problem.lengths) == pytest.approx(
        expected, rel=1e-9, abs=1e-12
    )


def swapped_in(model: ClonedHMM) -> CategoricalHMM:
    """Return the model as hmmlearn's, with a sink that follows clones without transitions."""
    symbols, clones = model.n_symbols, model.n_clones
    written = dense(model, model.transitions_)
    states = [*range(symbols * clones), (symbols + 1) * clones]
    first = written.transmat_[symbols * clones : (symbols + 1) * clones].mean(axis=0)
    reference = CategoricalHMM(n_components=len(states), n_features=symbols + 2)
    reference.startprob_ = first[states]
    reference.transmat_ = written.transmat_[np.ix_(states, states)]
    reference.emissionprob_ = written.emissionprob_[states]
    return reference


@given(problems())
def test_posteriors_equal_hmmlearns(problem: Problem) -> None:
    model = problem.fitted()
    reference = swapped_in(model)
    column = problem.flat.reshape(-1, 1)
    likelihood, posteriors = reference.score_samples(column, problem.lengths)
    ours = model.score_samples(column, problem.lengths)
    assert ours[0] == pytest.approx(likelihood, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(ours[1], posteriors[:, :-1], atol=1e-9)
    np.testing.assert_array_equal(model.predict_proba(column, problem.lengths), ours[1])


@given(problems())
def test_the_likeliest_path_is_as_likely_as_hmmlearns(problem: Problem) -> None:
    """Equally likely paths may differ, but not their probability."""
    model = problem.fitted()
    column = problem.flat.reshape(-1, 1)
    score, states = model.decode(column, problem.lengths)
    assert score == pytest.approx(
        swapped_in(model).decode(column, problem.lengths)[0], rel=1e-9, abs=1e-12
    )
    np.testing.assert_array_equal(states // model.n_clones, problem.flat)
    np.testing.assert_array_equal(states, model.predict(column, problem.lengths))
    assert _path_score(model, states, problem.lengths) == pytest.approx(score, rel=1e-9, abs=1e-12)


def _path_score(model: ClonedHMM, states: npt.NDArray[np.int64], lengths: list[int]) -> float:
    reference = swapped_in(model)
    score = 0.0
    for path in np.split(states, np.cumsum(lengths)[:-1]):
        score += math.log(reference.startprob_[path[0]])
        score += sum(
            math.log(reference.transmat_[before, after]) for before, after in pairwise(path)
        )
    return score


@given(problems())
def test_map_decoding_equals_hmmlearns(problem: Problem) -> None:
    model = problem.fitted()
    theirs, _ = swapped_in(model).decode(
        problem.flat.reshape(-1, 1), problem.lengths, algorithm="map"
    )
    ours, states = model.decode(problem.flat, problem.lengths, algorithm="map")
    assert ours == pytest.approx(theirs, rel=1e-9)
    posteriors = model.predict_proba(problem.flat, problem.lengths)
    np.testing.assert_allclose(posteriors[np.arange(len(states)), states], posteriors.max(axis=1))


def test_samples_follow_the_transitions() -> None:
    model = ClonedHMM(3, 2).fit([0, 1, 0, 1, 2] * 30, [5] * 30)
    symbols, states = model.sample(4_000, random_state=1)
    assert symbols.shape == (4_000, 1)
    np.testing.assert_array_equal(symbols[:, 0], states // 2)
    assert np.isfinite(model.score([0, 1, 0, 1, 2]))
    followers = {(a, b) for a, b in pairwise(symbols[:, 0].tolist())}
    assert followers == {
        (0, 1),
        (1, 0),
        (1, 2),
        (2, 0),
    }  # after 2 a sequence ends and the next begins
    assert (symbols == 2).mean() == pytest.approx(0.2, abs=0.03)


def test_sample_repeats_by_seed_and_begins_at_currstate() -> None:
    model = ClonedHMM(3, 2).fit([0, 1, 2, 1, 0, 2, 2])
    np.testing.assert_array_equal(model.sample(50)[1], model.sample(50)[1])
    assert not np.array_equal(
        model.sample(50, random_state=1)[1], model.sample(50, random_state=2)[1]
    )
    assert model.sample(3, currstate=3)[1][0] == 3


@given(problems())
def test_an_em_iteration_equals_hmmlearns(problem: Problem) -> None:
    before, after = problem.fitted(1), problem.fitted(2)
    reference = dense(before, before.transitions_)
    symbols, lengths = started(problem)
    reference.fit(symbols, lengths)
    ours = dense(after, after.transitions_).transmat_
    reached = ours[:, -1] == 0
    np.testing.assert_allclose(ours[reached], reference.transmat_[reached], atol=1e-9)


@given(problems())
def test_em_never_lowers_the_likelihood(problem: Problem) -> None:
    model = problem.fitted(12)
    likelihoods = [*model.monitor_.history, model.score(problem.flat, problem.lengths)]
    for earlier, later in pairwise(likelihoods):
        assert (
            later >= earlier - 1e-9 * abs(earlier) - 1e-12
        )  # a sequence with probability 1 has a log-likelihood of 0 nats


@given(problems())
def test_probabilities_leaving_a_clone_sum_to_one_or_are_all_zero(problem: Problem) -> None:
    model = problem.fitted()
    totals = np.zeros((model.n_symbols + 1, model.n_clones))
    np.add.at(totals, model.pairs_[:, 0], model.transitions_.sum(axis=2))
    assert np.all(np.isclose(totals, 1.0) | (totals == 0.0))
    assert model.pair_counts_.sum() == sum(problem.lengths)
    assert model.counts_.sum() == pytest.approx(sum(problem.lengths))


@given(problems())
def test_a_batch_equals_single_sequences(problem: Problem) -> None:
    model = problem.fitted(2)
    alone = [model.score(sequence) for sequence in problem.sequences]
    assert model.score(problem.flat, problem.lengths) == pytest.approx(sum(alone), rel=1e-12)

    together, pairs = lay_out(problem.flat, np.array(problem.lengths), problem.n_symbols)
    _, counts = expect(together, model.transitions_)
    number = {tuple(pair): row for row, pair in enumerate(pairs.tolist())}
    summed = np.zeros_like(counts)
    for sequence in problem.sequences:
        batch, some = lay_out(np.array(sequence), np.array([len(sequence)]), problem.n_symbols)
        rows = [number[tuple(pair)] for pair in some.tolist()]
        summed[rows] += expect(batch, model.transitions_[rows])[1]
    np.testing.assert_allclose(counts, summed, rtol=1e-9, atol=1e-15)


def test_lengths_of_one_and_zero_are_valid() -> None:
    model = ClonedHMM(3, 2).fit([0, 1, 2, 0, 1], [1, 3, 0, 1])
    pairs = [tuple(pair) for pair in model.pairs_.tolist()]
    assert dict(zip(pairs, model.pair_counts_.tolist(), strict=True)) == {
        (3, 0): 1.0,
        (3, 1): 2.0,
        (1, 2): 1.0,
        (2, 0): 1.0,
    }


def test_the_order_of_sequences_does_not_matter() -> None:
    forward = ClonedHMM(3, 2, n_iter=4, tol=0).fit([0, 1, 2, 2, 1], [3, 2])
    backward = ClonedHMM(3, 2, n_iter=4, tol=0).fit([2, 1, 0, 1, 2], [2, 3])
    np.testing.assert_allclose(forward.transitions_, backward.transitions_)


def test_one_clone_is_the_bigram_worked_by_hand() -> None:
    model = ClonedHMM(2, 1).fit([0, 0, 1, 0, 1], [3, 2])
    # start -> 0 twice; 0 -> 0 once and 0 -> 1 twice.
    assert model.score([0, 0, 1]) == pytest.approx(math.log(1 * (1 / 3) * (2 / 3)))


def test_two_clones_worked_by_hand() -> None:
    model = ClonedHMM(2, 2)
    model.pairs_ = np.array([[2, 0], [0, 1], [1, 0]])
    model.transitions_ = np.array(
        [[[0.8, 0.2], [0.4, 0.6]], [[0.5, 0.0], [0.1, 0.4]], [[1.0, 0.0], [0.0, 0.25]]]
    )
    # start: (.5, .5) -> (.6, .4)
    # then 1: (.6 * .5 + .4 * .1, .4 * .4) = (.34, .16)
    # then 0: (.34, .04)
    assert model.score([0]) == pytest.approx(0.0, abs=1e-15)
    assert model.score([0, 1]) == pytest.approx(math.log(0.5))
    assert model.score([0, 1, 0]) == pytest.approx(math.log(0.38))


def test_clones_distinguish_contexts_that_a_bigram_merges() -> None:
    """Dedieu et al. 2019, section 1: clones of B distinguish what preceded it."""
    sequences = [0, 1, 2, 3, 1, 4] * 5
    fits = [
        ClonedHMM(5, 2, n_iter=200, tol=0, random_state=seed).fit(sequences, [3] * 10)
        for seed in range(5)
    ]
    best = max(model.score([0, 1, 2, 3, 1, 4], [3, 3]) for model in fits)
    assert best == pytest.approx(2 * math.log(0.5), abs=1e-3)
    bigram = ClonedHMM(5, 1).fit(sequences, [3] * 10)
    assert bigram.score([0, 1, 2, 3, 1, 4], [3, 3]) == pytest.approx(4 * math.log(0.5))


def test_the_seed_determines_the_model() -> None:
    symbols = np.random.default_rng(1).integers(0, 4, 60)
    first, again, other = (ClonedHMM(4, 3, random_state=seed).fit(symbols) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.transitions_, again.transitions_)
    assert not np.allclose(first.transitions_, other.transitions_)


def test_tolerance_stops_early() -> None:
    symbols = np.random.default_rng(1).integers(0, 4, 60)
    assert len(ClonedHMM(4, 3, n_iter=50, tol=30.0).fit(symbols).monitor_.history) == 2
    assert len(ClonedHMM(4, 3, n_iter=7, tol=-np.inf).fit(symbols).monitor_.history) == 7


def test_a_column_and_a_row_are_equivalent() -> None:
    row = ClonedHMM(3, 2).fit(np.array([0, 1, 2]))
    column = ClonedHMM(3, 2).fit(np.array([[0], [1], [2]]))
    np.testing.assert_array_equal(row.transitions_, column.transitions_)


def test_an_unseen_pair_has_no_probability_before_smoothing() -> None:
    model = ClonedHMM(3, 2).fit([0, 1, 0, 1])
    assert model.score([0, 1, 1, 0]) == -math.inf
    assert model.score([2]) == -math.inf


@pytest.mark.parametrize(
    ("symbols", "lengths"),
    [([0, 1, 1, 0], [4]), ([0, 1, 0, 1, 1, 0], [2, 4]), ([1, 1, 2, 0, 1], [2, 1, 2])],
)
def test_impossible_sequences_score_as_hmmlearns(symbols: list[int], lengths: list[int]) -> None:
    model = ClonedHMM(3, 2).fit([0, 1, 0, 1, 2, 0])
    reference, column = swapped_in(model), np.array(symbols)[:, None]
    with np.errstate(invalid="ignore"):
        likelihood, posteriors = reference.score_samples(column, lengths)
        mapped = reference.decode(column, lengths, algorithm="map")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = model.score_samples(column, lengths)
        assert model.score(column, lengths) == ours[0] == likelihood == -math.inf
        assert model.decode(column, lengths)[0] == reference.decode(column, lengths)[0] == -math.inf
        np.testing.assert_equal(model.decode(column, lengths, algorithm="map")[0], mapped)
    np.testing.assert_allclose(ours[1], posteriors[:, :-1], atol=1e-9)


@pytest.mark.parametrize("method", ["fit", "score"])
@pytest.mark.parametrize(
    ("symbols", "lengths", "error", "message"),
    [
        ([], None, NotEnoughData, "no event"),
        ([0, 1, 3], None, InvalidValue, r"0\.\.2; found 0\.\.3"),
        ([0, -1], None, InvalidValue, r"0\.\.2; found -1\.\.0"),
        ([0, 1, 2], [1, 1], InvalidValue, "add up to 2, but X has 3"),
        ([0, 1, 2], [3, 1], InvalidValue, "add up to 4, but X has 3"),
        ([0, 1, 2], [], InvalidValue, "add up to 0"),
        ([0, 1, 2], [-1, 4], InvalidValue, "must not be negative; found -1"),
    ],
)
def test_values_out_of_range_are_rejected(
    method: str, symbols: list[int], lengths: list[int] | None, error: type[Exception], message: str
) -> None:
    model = ClonedHMM(3, 2).fit([0, 1, 2])
    with pytest.raises(error, match=message):
        getattr(model, method)(symbols, lengths)


def test_the_example_in_the_documentation_runs() -> None:
    page = (Path(detector.__file__).with_name("sequence") / "cloned_hmm.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    shown: dict[str, Any] = {}
    exec(code, shown)
    bits = smooth(shown["model"]).surprisals([0, 1, 2])
    assert bits[2] < 0.5 < smooth(shown["model"]).surprisals([0, 1, 4])[2]
