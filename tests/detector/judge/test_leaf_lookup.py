"""The looked-up leaf is the one that a traversal reaches, and its contributions are exact."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.judge.judge import Judge

TERMS = 3
#: Few distinct values, so that evidence often equals a threshold.
VALUES = [-1.5, -1.0, 0.0, 0.5, 1.0, 2.0]
EVIDENCE = st.lists(
    st.sampled_from([*VALUES, math.nan, 1e300, -1e300]), min_size=TERMS, max_size=TERMS
).map(np.array)


def grow(leaves: list[int], seed: int) -> Judge:
    """Return random trees with this many leaves each; values are multiples of 1/8 bit."""
    rng = np.random.default_rng(seed)
    roots: list[int] = []
    depths: list[int] = []
    rows: list[list[Any]] = []
    for wanted in leaves:
        root = len(rows)
        roots.append(root)
        rows.append([0, np.inf, root, root, 0])
        for _ in range(wanted - 1):
            ends = [node for node in range(root, len(rows)) if rows[node][2] == node]
            node = int(rng.choice(ends))
            below = [len(rows), len(rows) + 1]
            threshold = rng.choice([*VALUES, np.finfo(float).max])
            rows[node][:4] = [int(rng.integers(2 * TERMS)), threshold, *below]
            rows += [[0, np.inf, leaf, leaf, rows[node][4] + 1] for leaf in below]
        depths.append(max(row[4] for row in rows[root:]))
    return Judge(
        names=tuple("xyz"),
        roots=np.array(roots, int),
        term=np.array([row[0] for row in rows], int),
        threshold=np.array([row[1] for row in rows], float),
        children=np.array([row[2:4] for row in rows], int).reshape(-1, 2),
        bits=rng.integers(-80, 80, len(rows)) / 8.0,
        offset_bits=0.25,
        depth=max(depths, default=0),
    )


def walked(judge: Judge, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return contributions by their definition, node by node."""
    moved = np.zeros(TERMS)
    for root in judge.roots:
        node = int(root)
        while judge.children[node, 0] != node:
            term, missing_low = judge.term[node] % TERMS, judge.term[node] >= TERMS
            value = values[term]
            high = not missing_low if math.isnan(value) else value > judge.threshold[node]
            below = int(judge.children[node, int(high)])
            moved[term] += judge.bits[below] - judge.bits[node]
            node = below
    return moved


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([1, 2, 5, 63, 64, 65, 200]), max_size=4),
    st.integers(0, 1000),
    EVIDENCE,
)
def test_a_lookup_equals_a_traversal(
    leaves: list[int], seed: int, values: npt.NDArray[np.float64]
) -> None:
    judge = grow(leaves, seed)
    np.testing.assert_array_equal(judge.contributions(values), walked(judge, values))


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([1, 2, 5, 63, 64, 65, 200]), max_size=4),
    st.integers(0, 1000),
    st.lists(EVIDENCE, min_size=1, max_size=5).map(np.array),
)
def test_many_lookups_equal_single_ones(
    leaves: list[int], seed: int, rows: npt.NDArray[np.float64]
) -> None:
    judge = grow(leaves, seed)
    np.testing.assert_array_equal(
        judge.ratios_bits(rows), [judge.ratio_bits(values) for values in rows]
    )


def test_sums_are_exact_in_any_order() -> None:
    """A fitted judge's contributions give the same sum in any order, down to the last bit."""
    from tests.detector.training.test_fit_judge import JUDGE
    from tests.detector.training.test_fit_judge import VALUES as CHAINS

    for row in CHAINS[:50]:
        contributions = JUDGE.contributions(row)
        np.testing.assert_array_equal(contributions, walked(JUDGE, row))
        assert JUDGE.ratio_bits(row) == math.fsum([JUDGE.offset_bits, *contributions])
