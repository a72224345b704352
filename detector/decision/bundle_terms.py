"""Reading a judge of an earlier version, whose list of evidence terms differs from today's.

A judge refers to terms by their number. A term that was added later, or that the judge never asks
about, does not matter; a term that it asks about must still exist. A term that changes its meaning
must therefore change its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from detector.contracts.errors import BundleError

__all__ = ["in_current_terms"]

_Arrays = Mapping[str, npt.NDArray[Any]]
#: Arrays with one row for each term.
_BY_TERM = ("training.edges", "training.shares")


def in_current_terms(
    arrays: _Arrays, written: Sequence[str], current: Sequence[str]
) -> dict[str, npt.NDArray[Any]]:
    """Return valid arrays of a bundle, renumbered for the current terms.

    The distribution of the evidence in training is left out if a current term is not in it.

    Args:
        arrays: the arrays for the terms in ``written``.
        written: the names of the bundle's terms.
        current: the names of the terms of this version.

    Raises:
        BundleError: the judge asks about a term that this version does not have.
    """
    if list(written) == list(current):
        return dict(arrays)
    # Numbers from T on stand for the same terms, with missing values to the left.
    places = {name: place for place, name in enumerate(current)}
    numbers = np.array([places.get(name, -1) for name in written], dtype=np.int64)
    term, own = arrays["term"], np.arange(len(arrays["term"]))
    which, leaf = term % len(written), (arrays["children"] == own[:, None]).all(axis=1)
    if gone := sorted({written[number] for number in which[~leaf] if numbers[number] < 0}):
        raise BundleError(
            f"the bundle was made for other evidence terms ({', '.join(gone)[:500]} no longer "
            "exist); train it again with 'misfire train'"
        )
    # A leaf asks about nothing, so any term will do.
    renumbered = np.maximum(numbers[which], 0) + np.where(term >= len(written), len(current), 0)
    found = dict(arrays) | {"term": renumbered}
    known = [written.index(name) for name in current if name in set(written)]
    for name in _BY_TERM:
        if name in found:
            found[name] = found[name][known]
    if len(known) < len(current):
        found = {name: array for name, array in found.items() if name not in _BY_TERM}
    return found
