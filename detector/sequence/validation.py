"""Validation of the parameters and inputs of sequence estimators."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from detector.contracts.errors import InvalidValue, NotEnoughData

__all__ = ["check_at_least_one", "checked_sequences"]

Ints = npt.NDArray[np.int64]


def check_at_least_one(name: str, value: Any) -> None:
    """Raise ``InvalidValue`` unless a parameter is an integer of at least 1."""
    if not isinstance(value, Integral) or value < 1:
        raise InvalidValue(f"{name} must be an integer of at least 1; got {value!r}")


def checked_sequences(
    estimator: BaseEstimator,
    X: npt.ArrayLike,
    lengths: npt.ArrayLike | None,
    n_symbols: int,
    *,
    fitting: bool = False,
) -> tuple[Ints, Ints]:
    """Validate the symbols of one or more sequences and the sequences' lengths.

    Args:
        estimator: the estimator that is called; fitting sets its ``n_features_in_``.
        X: (n_events,) or (n_events, 1) integers in ``0 .. n_symbols - 1``.
        lengths: (n_sequences,) integers that add up to n_events; ``None`` for one sequence.
        n_symbols: the number of symbols.
        fitting: the call is ``fit``.

    Returns:
        The symbols (n_events,) and the lengths of the sequences that are not empty.

    Raises:
        NotEnoughData: ``X`` is empty.
        InvalidValue: ``X`` or ``lengths`` has the wrong shape, type or range.
        ValueError: scikit-learn rejects ``X``: NaN, infinite or complex values, more dimensions.
        TypeError: ``X`` is sparse.
    """
    table = np.reshape(X, (-1, 1)) if np.ndim(X) == 1 else X
    table = validate_data(estimator, table, reset=fitting, dtype=None, ensure_min_samples=0)
    if table.shape[1] != 1:
        raise InvalidValue(f"X must have one column, the symbols; it has {table.shape[1]}")
    if not len(table):
        raise NotEnoughData(
            "there is no event to fit or score; give at least one sequence with one symbol"
        )
    symbols = _integers("symbols", table[:, 0])
    if symbols.min() < 0 or symbols.max() >= n_symbols:
        raise InvalidValue(
            f"symbols must lie in 0..{n_symbols - 1}; found {symbols.min()}..{symbols.max()}"
        )
    return symbols, _checked_lengths(lengths, len(symbols))


def _checked_lengths(lengths: npt.ArrayLike | None, n_events: int) -> Ints:
    if lengths is None:
        return np.array([n_events])
    sizes = np.asarray(lengths)
    if sizes.ndim != 1:
        raise InvalidValue(f"lengths must have one dimension; it has {sizes.ndim}")
    if len(sizes):
        sizes = _integers("lengths", sizes)
        if sizes.min() < 0:
            raise InvalidValue(f"lengths must not be negative; found {sizes.min()}")
    if sizes.sum() != n_events:
        raise InvalidValue(f"lengths add up to {sizes.sum()}, but X has {n_events} symbols")
    return sizes[sizes > 0]


def _integers(name: str, values: npt.NDArray[Any]) -> Ints:
    if not np.issubdtype(values.dtype, np.integer):
        raise InvalidValue(f"{name} must be integers; found dtype {values.dtype}")
    return values.astype(np.int64)
