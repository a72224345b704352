"""Surprisals of many sequences at once under a smoothed cloned HMM.

The results are those of ``SequenceModel.surprisals``, in one batch per step of all sequences.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detector.sequence.forward_backward import forward, lay_out
from detector.sequence.sequence_model import SequenceModel

__all__ = ["batch_surprisals"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def batch_surprisals(model: SequenceModel, symbols: Ints, sizes: Ints) -> Floats:
    """Return the surprisal of each event in bits, shape (n_events,); higher is rarer.

    Args:
        model: the smoothed cloned HMM.
        symbols: (n_events,) the symbols of all sequences, one sequence after the other.
        sizes: (n_sequences,) the lengths of the sequences, each at least 1.
    """
    batch, pairs = lay_out(symbols, sizes, model.start)
    _, likely, _ = forward(batch, model.transitions(pairs))
    bits = np.empty(len(symbols))
    bits[batch.place] = -np.log2(likely)
    return bits
