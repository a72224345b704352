"""Checks across the arrays of a bundle; ``bundle_arrays.py`` checks each one by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from detector.decision.bundle_arrays import damaged

__all__ = ["DEEPEST", "check_sequence", "check_trees"]

#: Splits on the longest path of a tree; fitted trees have up to 10.
DEEPEST = 64
#: Thresholds per term; scikit-learn creates up to 255. Each has a row in the lookup tables.
_MOST_THRESHOLDS = 512
_TOLERANCE = 1e-6

Arrays = Mapping[str, npt.NDArray[Any]]


def check_sequence(arrays: Arrays) -> None:
    """Check that the transition probabilities out of every clone sum to one.

    Raises:
        BundleError: they do not, or a pair of symbols is repeated or refers to no symbol.
    """
    pairs, escape = arrays["pairs"], arrays["escape"]
    symbols = arrays["backoff"].shape[1]
    if len(pairs) and pairs[:, 1].max() >= symbols:
        raise damaged("pairs has numbers out of range")
    if len(np.unique(pairs, axis=0)) != len(pairs):
        raise damaged("pairs contains a pair twice")
    leaving = escape.copy()
    np.add.at(leaving, pairs[:, 0], arrays["blocks"].sum(axis=2))
    if not bool((np.abs(leaving - 1.0) <= _TOLERANCE).all()):
        raise damaged("blocks and escape do not sum to one")


def check_trees(arrays: Arrays, *, terms: int, depth: int) -> None:
    """Check that the judge's nodes are trees of ``depth`` splits, each stored after its root.

    Raises:
        BundleError: they are not, or there are too many thresholds.
    """
    roots, children, threshold = arrays["roots"], arrays["children"], arrays["threshold"]
    own = np.arange(len(children))
    split = (children != own[:, None]).any(axis=1)
    below = children[split]
    tree = np.searchsorted(roots, own, side="right")
    reached = np.sort(np.concatenate([roots, below.ravel()]))
    if (
        (below <= own[split][:, None]).any()
        or not np.array_equal(reached, own)
        or (tree[below] != tree[split][:, None]).any()
    ):
        raise damaged("children do not form trees after their roots")
    if _depth(roots, children, split) != depth:
        raise damaged("the judge's trees are not as deep as declared")
    if not np.isfinite(threshold[split]).all():
        raise damaged("threshold has numbers out of range")
    asked = np.unique(np.stack([arrays["term"][split] % terms, threshold[split]]), axis=1)[0]
    if len(asked) and np.bincount(asked.astype(np.int64)).max() > _MOST_THRESHOLDS:
        raise damaged(f"a term has more than {_MOST_THRESHOLDS} thresholds")


def _depth(
    roots: npt.NDArray[np.int64], children: npt.NDArray[np.int64], split: npt.NDArray[np.bool_]
) -> int:
    """Return the depth of the deepest tree, but at most one more than the limit."""
    depth, above = 0, roots[split[roots]]
    while len(above) and depth <= DEEPEST:
        below = children[above].ravel()
        depth, above = depth + 1, below[split[below]]
    return depth
