"""The likeliest path through the clones of a sequence.

Viterbi (1967), as in Rabiner (1989), "A tutorial on hidden Markov models", eq. 32-35, in
logarithms. In a cloned HMM the symbols determine the emissions, so a step considers only C x C
transitions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["likeliest_clones"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def likeliest_clones(blocks: Floats) -> tuple[float, Ints]:
    """Return the log-probability in nats of the likeliest path, and its clones (n,).

    Args:
        blocks: (n, C, C) the transition probabilities into each event of one sequence. The first
            block's are from the start, whose clones are equally likely.
    """
    length, clones, _ = blocks.shape
    with np.errstate(divide="ignore"):
        logs = np.log(blocks)
        best = np.log(blocks[0].mean(axis=0))
    came_from = np.empty((length, clones), dtype=np.int64)
    for step in range(1, length):
        reached = best[:, None] + logs[step]
        came_from[step] = reached.argmax(axis=0)
        best = reached.max(axis=0)
    path = np.empty(length, dtype=np.int64)
    path[-1] = best.argmax()
    for step in range(length - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return float(best.max()), path
