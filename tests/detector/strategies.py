"""Hypothesis strategies for the tests of the sequence model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from detector.sequence.cloned_hmm import ClonedHMM

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Problem:
    """The parameters and training sequences of a small random model."""

    n_symbols: int
    n_clones: int
    seed: int
    sequences: list[list[int]]

    @property
    def flat(self) -> Ints:
        return np.concatenate([np.array(sequence, dtype=np.int64) for sequence in self.sequences])

    @property
    def lengths(self) -> list[int]:
        return [len(sequence) for sequence in self.sequences]

    def fitted(self, n_iter: int = 5) -> ClonedHMM:
        model = ClonedHMM(
            self.n_symbols, self.n_clones, n_iter=n_iter, tol=-np.inf, random_state=self.seed
        )
        return model.fit(self.flat, self.lengths)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    n_symbols = draw(st.integers(1, 5))
    sequence = st.lists(st.integers(0, n_symbols - 1), min_size=1, max_size=12)
    return Problem(
        n_symbols,
        draw(st.integers(1, 4)),
        draw(st.integers(0, 2**16)),
        draw(st.lists(sequence, min_size=1, max_size=6)),
    )


@st.composite
def problems_with_query(draw: st.DrawFn) -> tuple[Problem, list[int]]:
    """Draw a problem, and another sequence over its symbols."""
    problem = draw(problems())
    query = draw(st.lists(st.integers(0, problem.n_symbols - 1), min_size=1, max_size=15))
    return problem, query
