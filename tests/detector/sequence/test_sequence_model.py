import math

import numpy as np
import pytest
from hypothesis import given

from detector.sequence.hmmlearn_reference import as_categorical_hmm
from detector.sequence.smoothing import smooth
from tests.detector.strategies import Problem, problems_with_query


@given(problems_with_query())
def test_surprisals_add_up_to_hmmlearns_log_likelihood(drawn: tuple[Problem, list[int]]) -> None:
    problem, query = drawn
    model = smooth(problem.fitted())
    expected = as_categorical_hmm(model).score(np.array(query).reshape(-1, 1))
    assert -sum(model.surprisals(query)) * math.log(2) == pytest.approx(
        expected, rel=1e-9, abs=1e-12
    )


@given(problems_with_query())
def test_the_filter_is_hmmlearns_posterior_of_the_last_state(
    drawn: tuple[Problem, list[int]],
) -> None:
    problem, query = drawn
    model = smooth(problem.fitted())
    current, previous = model.fresh(), model.start
    for symbol in query:
        current, _ = model.step(current, previous, symbol)
        previous = symbol
    posterior = as_categorical_hmm(model).predict_proba(np.array(query).reshape(-1, 1))[-1]
    clones = slice(previous * problem.n_clones, (previous + 1) * problem.n_clones)
    np.testing.assert_allclose(current, posterior[clones], atol=1e-9)
    assert current.sum() == pytest.approx(1.0)


@given(problems_with_query())
def test_one_step_at_a_time_equals_the_whole_sequence(drawn: tuple[Problem, list[int]]) -> None:
    problem, query = drawn
    model = smooth(problem.fitted())
    current, previous, bits = model.fresh(), model.start, []
    for symbol in query:
        current, surprisal = model.step(current, previous, symbol)
        bits.append(surprisal)
        previous = symbol
    assert model.surprisals(query) == bits
    assert [model.surprisals(query[: n + 1])[-1] for n in range(len(query))] == bits


@given(problems_with_query())
def test_the_predictive_sums_to_one_and_agrees_with_step(drawn: tuple[Problem, list[int]]) -> None:
    problem, query = drawn
    model = smooth(problem.fitted())
    current, previous = model.fresh(), model.start
    for symbol in query:
        likely = model.predictive(current, previous)
        assert likely.sum() == pytest.approx(1.0, rel=1e-12)
        stepped = [model.step(current, previous, other)[1] for other in range(problem.n_symbols)]
        np.testing.assert_allclose(-np.log2(likely), stepped, rtol=1e-9, atol=1e-12)
        current, _ = model.step(current, previous, symbol)
        previous = symbol


@given(problems_with_query())
def test_unseen_symbols_have_finite_surprisals(drawn: tuple[Problem, list[int]]) -> None:
    problem, query = drawn
    unseen = problem.n_symbols
    wider = Problem(unseen + 1, problem.n_clones, problem.seed, problem.sequences)
    model = smooth(wider.fitted())
    mixed = [unseen, *query, unseen, unseen, *query]
    bits = model.surprisals(mixed)
    assert all(math.isfinite(surprisal) and surprisal > 0 for surprisal in bits)


def test_step_does_not_modify_its_arguments() -> None:
    model = smooth(Problem(3, 2, 0, [[0, 1, 2, 0, 1]]).fitted())
    current = model.fresh()
    before = current.copy(), model.arrival.copy(), model.backoff.copy()
    first = model.step(current, model.start, 0)
    model.predictive(current, model.start)
    again = model.step(current, model.start, 0)
    np.testing.assert_array_equal(first[0], again[0])
    assert first[1] == again[1]
    for kept, now in zip(before, (current, model.arrival, model.backoff), strict=True):
        np.testing.assert_array_equal(kept, now)


def test_a_familiar_sequence_is_less_surprising_than_its_reverse() -> None:
    model = smooth(Problem(4, 3, 0, [[0, 1, 2, 3]] * 20).fitted())
    assert sum(model.surprisals([0, 1, 2, 3])) < sum(model.surprisals([3, 2, 1, 0])) - 10


def test_an_empty_session_has_no_surprisals() -> None:
    assert smooth(Problem(2, 2, 0, [[0, 1]]).fitted()).surprisals([]) == []
