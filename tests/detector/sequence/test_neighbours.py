from __future__ import annotations

import math

import numpy as np
import pytest

from detector.sequence.neighbours import Neighbours

RNG = np.random.default_rng(0)
#: Two normal sequences: 0 0 1 1 and 2 2.
NEAR = Neighbours.fit(np.array([0, 0, 1, 1, 2, 2]), np.array([4, 2]), RNG)


@pytest.mark.parametrize(
    ("codes", "distance"),
    [
        ([0, 1, 0, 1], 0.0),  # the same shares in another order
        ([2], 0.0),
        ([0], 1.0 - math.sqrt(0.5)),
        ([2, 9], 1.0 - math.sqrt(0.5)),  # half of it is unknown
        ([0, 2], 0.5 * (2.0 - math.sqrt(2.0))),
        ([9, 9], 1.0),
    ],
)
def test_distances_worked_by_hand(codes: list[int], distance: float) -> None:
    found = NEAR.distances(np.array(codes), np.array([len(codes)]))
    assert found.tolist() == pytest.approx([distance])


def test_equal_sequences_are_kept_once_and_at_most_two_thousand() -> None:
    codes = np.repeat(np.arange(3_000), 2)
    sizes = np.full(3_000, 2)
    assert Neighbours.fit(codes, sizes, RNG).roots.shape == (3_000, 2_000)
    assert Neighbours.fit(codes % 4, sizes, RNG).roots.shape == (4, 4)
