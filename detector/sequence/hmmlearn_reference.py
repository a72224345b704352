"""Conversion to hmmlearn's ``CategoricalHMM``, the reference for correctness and speed.

A smoothed cloned HMM is an ordinary HMM with M x C states and deterministic emissions, so
``CategoricalHMM`` with the same matrices must give the same log-likelihood.
"""

from __future__ import annotations

import numpy as np
from hmmlearn.hmm import CategoricalHMM

from detector.sequence.sequence_model import SequenceModel

__all__ = ["as_categorical_hmm"]


def as_categorical_hmm(model: SequenceModel) -> CategoricalHMM:
    """Return the model with dense matrices; the states are ``symbol * C + clone``.

    The memory grows with (M C) squared.
    """
    symbols, clones = model.arrival.shape
    rows = (model.escape[:, :, None, None] * model.backoff[:, None, :, None]) * model.arrival[
        None, None
    ]
    for (source, target), block in zip(model.pairs.tolist(), model.blocks, strict=True):
        rows[source, :, target] += block
    dense = rows.reshape(symbols + 1, clones, symbols * clones)
    reference = CategoricalHMM(
        n_components=symbols * clones, n_features=symbols, init_params="", params=""
    )
    reference.startprob_ = dense[symbols].mean(axis=0)
    reference.transmat_ = dense[:symbols].reshape(symbols * clones, symbols * clones)
    reference.emissionprob_ = np.repeat(np.eye(symbols), clones, axis=0)
    return reference
