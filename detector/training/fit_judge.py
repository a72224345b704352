"""Fitting the judge: gradient-boosted trees, contrastively, written out as plain arrays.

Meant chains against chains that nobody meant (noise-contrastive estimation, Gutmann & Hyvarinen 2012), by scikit-learn's
histogram gradient boosting (Friedman 2001; Ke et al. 2017). On Schema-Guided dialogues the trees beat an additive model of the same
terms clearly (recall of spliced chains .61 against .52 at 1 % false interruptions): terms must be read together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from detector.contracts.errors import NotEnoughData
from detector.judge.judge import Judge

__all__ = ["PARAMETERS", "fit_judge"]

Floats = npt.NDArray[np.float64]

#: How the trees grow: more of them, or larger ones, gain little on held-out households and cost time at every committing event. Many
#: chains in a leaf, and few terms to choose from at a split, keep them from leaning on what tells one kind of misfire alone.
PARAMETERS: Mapping[str, Any] = MappingProxyType(
    {
        "learning_rate": 0.1,
        "max_leaf_nodes": 63,
        "max_depth": 10,
        "min_samples_leaf": 60,
        "max_features": 0.3,
        "early_stopping": False,
    }
)
_TREES = 200
#: Values of nodes are multiples of this many bits: sums of thousands of them are exact in doubles, whatever their order.
_GRID = 2.0**-36


def fit_judge(
    values: Floats,
    misfires: npt.NDArray[np.bool_],
    names: tuple[str, ...],
    *,
    seed: int = 0,
    trees: int = _TREES,
) -> Judge:
    """Fit a judge.

    Args:
        values: (n, T) evidence of committed chains; NaN is missing.
        misfires: (n,) which of them nobody meant.
        names: (T,) the terms.
        seed: of the fit.
        trees: how many trees.

    Raises:
        NotEnoughData: one of the two kinds of chain is missing.
    """
    if not misfires.any() or misfires.all():
        raise NotEnoughData(
            f"the judge compares meant chains with misfires, and has {int((~misfires).sum())} and {int(misfires.sum())}; "
            "train on a longer stream with more commands"
        )
    telling = np.array(
        [column for column in range(values.shape[1]) if _varies(values[:, column])], dtype=np.int64
    )
    if not len(telling):
        return _written_out([], 0.0, telling, names)
    booster = HistGradientBoostingClassifier(max_iter=trees, random_state=seed, **PARAMETERS)
    # One thread: its sums do not depend on the machine, and threads that wait for each other on a busy one are slower.
    with threadpool_limits(1, user_api="openmp"):
        booster.fit(values[:, telling], misfires)
    share = float(misfires.mean())
    # scikit-learn has no public view of these trees; the version is pinned and a test holds them to decision_function.
    nodes = [stage[0].nodes for stage in booster._predictors]  # noqa: SLF001
    baseline = float(booster._baseline_prediction.item()) - math.log(share / (1.0 - share))  # noqa: SLF001
    return _written_out(nodes, baseline, telling, names)


def _varies(column: Floats) -> bool:
    """Whether a term has more than one value, "missing" being one."""
    return len(np.unique(column)) > 1 and not bool(np.isnan(column).all())


def _written_out(
    trees: list[Any], baseline: float, telling: npt.NDArray[np.int64], names: tuple[str, ...]
) -> Judge:
    """Lay the trees' nodes end to end. ``baseline`` is in nats; ``telling`` (t,) says which term a column was."""
    starts = np.cumsum([0, *(len(tree) for tree in trees)])
    term, threshold, children, bits = (
        [np.empty(0, int)],
        [np.empty(0)],
        [np.empty((0, 2), int)],
        [np.empty(0)],
    )
    for start, tree in zip(starts[:-1], trees, strict=True):
        leaf = tree["is_leaf"].astype(bool)
        own = np.arange(len(tree))
        split_on = telling[np.where(leaf, 0, tree["feature_idx"])]
        term.append(np.where(tree["missing_go_to_left"], split_on + len(names), split_on))
        # A split on "missing or not" has an infinite threshold, and a missing value counts as infinite (judge.py): keep them apart.
        threshold.append(
            np.where(leaf, np.inf, np.minimum(tree["num_threshold"], np.finfo(float).max))
        )
        below = np.stack(
            [np.where(leaf, own, tree["left"]), np.where(leaf, own, tree["right"])], axis=1
        )
        children.append(below.astype(np.int64) + start)
        bits.append(_means(tree, leaf) / math.log(2.0))
    means = _on_grid(np.concatenate(bits))
    roots = starts[:-1].astype(np.int64)
    return Judge(
        names=names,
        roots=roots,
        term=np.concatenate(term).astype(np.int64),
        threshold=np.concatenate(threshold),
        children=np.concatenate(children).astype(np.int64),
        bits=means,
        offset_bits=float(_on_grid(baseline / math.log(2.0)) + means[roots].sum()),
        depth=max((int(tree["depth"].max()) for tree in trees), default=0),
    )


def _on_grid(bits: Floats | float) -> Floats:
    return np.asarray(np.rint(np.asarray(bits) / _GRID) * _GRID)


def _means(tree: Any, leaf: npt.NDArray[np.bool_]) -> Floats:
    """The value of each node: a leaf's own, and above it the mean of its training chains' leaves."""
    means = np.where(leaf, tree["value"], 0.0)
    # Children have higher numbers than their parent, so going backwards finds them done.
    for node in np.flatnonzero(~leaf)[::-1]:
        low, high = tree["left"][node], tree["right"][node]
        weights = tree["count"][low], tree["count"][high]
        means[node] = np.average([means[low], means[high]], weights=weights)
    return np.asarray(means, dtype=float)
