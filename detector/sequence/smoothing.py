"""Smoothing of a cloned HMM by back-off to the bigram, the unigram and the uniform distribution.

Witten & Bell (1991), "The zero-frequency problem", IEEE Trans. Inf. Theory 37(4), method C: after n
observations of t distinct continuations, the next one is new with probability t / (n + t). For a
clone, n and t are expected counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detector.sequence.cloned_hmm import ClonedHMM
from detector.sequence.sequence_model import SequenceModel

__all__ = ["smooth"]

Floats = npt.NDArray[np.float64]

#: Prior expected arrivals per clone, so that a clone that EM emptied can still be reached.
_ARRIVAL_PRIOR = 1e-3


def smooth(model: ClonedHMM) -> SequenceModel:
    """Turn a fitted model's expected counts into probabilities that are never zero.

    Every row of the result sums to one over clones and symbols, so the result is again an HMM (see
    ``hmmlearn_reference.py``).
    """
    sources, targets = model.pairs_.T
    leaving = _sum_by(sources, model.counts_.sum(axis=2), model.n_symbols + 1)
    kinds = _sum_by(sources, np.minimum(model.counts_.sum(axis=2), 1.0), model.n_symbols + 1)
    known = leaving + kinds
    escape = np.divide(kinds, known, out=np.ones_like(known), where=known > 0)
    per_clone = known[sources][:, :, None]
    blocks = np.divide(
        model.counts_, per_clone, out=np.zeros_like(model.counts_), where=per_clone > 0
    )
    arrivals = _sum_by(targets, model.counts_.sum(axis=1), model.n_symbols) + _ARRIVAL_PRIOR
    return SequenceModel(
        pairs=model.pairs_,
        blocks=blocks,
        escape=escape,
        backoff=_bigram(model),
        arrival=arrivals / arrivals.sum(axis=1, keepdims=True),
    )


def _sum_by(group: npt.NDArray[np.int64], rows: Floats, groups: int) -> Floats:
    total = np.zeros((groups, rows.shape[1]))
    np.add.at(total, group, rows)
    return total


def _bigram(model: ClonedHMM) -> Floats:
    """Return bigram probabilities (M + 1, M), backed off to the unigram and the uniform."""
    sources, targets = model.pairs_.T
    counts = np.zeros((model.n_symbols + 1, model.n_symbols))
    counts[sources, targets] = model.pair_counts_
    unigram = _witten_bell(
        counts.sum(axis=0, keepdims=True), np.full(model.n_symbols, 1.0 / model.n_symbols)
    )
    return _witten_bell(counts, unigram[0])


def _witten_bell(counts: Floats, lower: Floats) -> Floats:
    """Mix each row of counts with the lower order's probabilities; an empty row becomes these."""
    kinds = (counts > 0).sum(axis=1, keepdims=True).astype(float)
    weight = counts.sum(axis=1, keepdims=True) + kinds
    mixed = np.divide(counts + kinds * lower, weight, out=np.zeros_like(counts), where=weight > 0)
    return np.where(weight > 0, mixed, lower)
