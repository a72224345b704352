"""``ClonedHMM`` keeps scikit-learn's conventions for estimators."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array  # type: ignore[import-untyped]
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from detector.contracts.errors import InvalidValue
from detector.sequence.cloned_hmm import ClonedHMM

X = np.array([0, 1, 2, 1, 0, 2, 2])


class WithoutLengths(ClonedHMM):
    """The model as scikit-learn calls it: the second argument is ``y``, not ``lengths``."""

    def fit(self, X: Any, y: Any = None) -> WithoutLengths:  # noqa: ARG002
        super().fit(X)
        return self

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002
        return super().score(X)


INTEGERS = "symbols are integers; the check fits floats or objects"
COLUMNS = "the check indexes the columns of X, which is one-dimensional for this estimator"
EXPECTED_FAILURES = {
    "check_estimators_dtypes": INTEGERS,
    "check_dtype_object": INTEGERS,
    "check_positive_only_tag_during_fit": "the error for a negative symbol names the valid range",
    "check_estimator_sparse_array": "the check cannot make a one-dimensional sparse array",
    "check_fit1d": "the check sets n_components, which follows from n_symbols and n_clones",
    "check_dont_overwrite_parameters": COLUMNS,
    "check_n_features_in_after_fitting": COLUMNS,
    "check_f_contiguous_array_estimator": COLUMNS,
    "check_methods_sample_order_invariance": COLUMNS,
    "check_methods_subset_invariance": COLUMNS,
    "check_fit2d_1sample": COLUMNS,
    "check_fit2d_1feature": COLUMNS,
    "check_dict_unchanged": COLUMNS,
    "check_n_features_in": COLUMNS,
    "check_fit2d_predict1d": COLUMNS,
}


def test_scikit_learns_checks_pass_where_they_apply() -> None:
    results = check_estimator(
        WithoutLengths(n_symbols=1_000, n_clones=2, n_iter=3),
        expected_failed_checks=EXPECTED_FAILURES,
        on_skip=None,
    )
    failed = {result["check_name"] for result in results if result["status"] == "xfail"}
    assert failed == set(EXPECTED_FAILURES)
    assert sum(result["status"] == "passed" for result in results) >= 20


def test_parameters_are_kept_as_given_and_copied_by_clone() -> None:
    model = ClonedHMM(3, 2, n_iter=7)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert copy.set_params(n_iter=3).n_iter == 3
    assert model.n_components == 6


@pytest.mark.parametrize("name", ["n_symbols", "n_clones", "n_iter"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "2", None])
def test_fit_rejects_invalid_parameters(name: str, value: Any) -> None:
    model = ClonedHMM(3, 2).set_params(**{name: value})
    with pytest.raises(InvalidValue, match=f"{name} must be an integer of at least 1"):
        model.fit(X)


@pytest.mark.parametrize("method", ["score", "score_samples", "predict_proba", "decode", "predict"])
def test_calls_that_need_a_fitted_model_raise_not_fitted(method: str) -> None:
    with pytest.raises(NotFittedError):
        getattr(ClonedHMM(3, 2), method)(X)


def test_sample_needs_a_fitted_model() -> None:
    with pytest.raises(NotFittedError):
        ClonedHMM(3, 2).sample()


@pytest.mark.parametrize("method", ["fit", "score", "score_samples", "decode"])
@pytest.mark.parametrize(
    ("symbols", "lengths", "error", "message"),
    [
        ([0.0, 1.0], None, InvalidValue, "symbols must be integers; found dtype float64"),
        ([True, False], None, InvalidValue, "symbols must be integers; found dtype bool"),
        ([0.0, np.nan], None, ValueError, "NaN"),
        ([0, 1j], None, ValueError, "Complex"),
        (["a", "b"], None, InvalidValue, "symbols must be integers"),
        ([[0, 1], [1, 2]], None, ValueError, "one column|expecting 1 features"),
        (np.zeros((2, 2, 2), dtype=int), None, ValueError, "dim 3"),
        (1, None, ValueError, "scalar"),
        (csr_array([[0], [1]]), None, TypeError, "[Ss]parse"),
        ([0, 1], [1.0, 1.0], InvalidValue, "lengths must be integers; found dtype float64"),
        ([0, 1], [[1, 1]], InvalidValue, "lengths must have one dimension; it has 2"),
    ],
)
def test_inputs_of_another_shape_or_type_are_rejected(
    method: str, symbols: Any, lengths: Any, error: type[Exception], message: str
) -> None:
    model = ClonedHMM(3, 2).fit(X)
    with pytest.raises(error, match=message):
        getattr(model, method)(symbols, lengths)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_the_integer_type_of_the_symbols_does_not_matter(dtype: type[np.generic]) -> None:
    fitted = ClonedHMM(3, 2).fit(X.astype(dtype))
    np.testing.assert_array_equal(fitted.transitions_, ClonedHMM(3, 2).fit(X).transitions_)
    assert fitted.score(X.astype(dtype)) == fitted.score(X)


@pytest.mark.parametrize(
    "call",
    [
        lambda model: model.score(X),
        lambda model: model.score_samples(X),
        lambda model: model.decode(X, algorithm="map"),
        lambda model: model.predict(X),
        lambda model: model.sample(5),
    ],
)
def test_only_fit_changes_the_model(call: Callable[[ClonedHMM], object]) -> None:
    model = ClonedHMM(3, 2).fit(X)
    before = pickle.dumps(model)
    call(model)
    assert pickle.dumps(model) == before


def test_a_second_fit_replaces_the_first() -> None:
    again = ClonedHMM(3, 2).fit([0, 1, 0, 1]).fit(X)
    np.testing.assert_array_equal(again.transitions_, ClonedHMM(3, 2).fit(X).transitions_)


def test_decode_rejects_an_unknown_algorithm() -> None:
    with pytest.raises(InvalidValue, match="'viterbi' or 'map'; got 'beam'"):
        ClonedHMM(3, 2).fit(X).decode(X, algorithm="beam")  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [-1, 6])
def test_sample_rejects_a_state_out_of_range(state: int) -> None:
    with pytest.raises(InvalidValue, match=r"currstate must lie in 0\.\.5"):
        ClonedHMM(3, 2).fit(X).sample(currstate=state)
