"""The forward-backward recursion over the blocks of a cloned HMM, batched over sequences.

Rabiner (1989), "A tutorial on hidden Markov models", eq. 18-27, scaled as in section V.A. A step
costs one small matrix product per sequence that has not ended.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Batch", "backward", "expect", "forward", "lay_out", "posteriors"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences in the order of their steps, and within a step the longest sequence first.

    The sequences that have not ended are therefore always a prefix.

    Attributes:
        place: (n_events,) the index of each event in the original order.
        pair: (n_events,) the number of the event's symbol pair.
        starts: the first event of each step; step k is ``starts[k]:starts[k + 1]``.
        by_pair: (n_events,) the events sorted by pair.
        bounds: the first entry of each pair; pair p is ``by_pair[bounds[p]:bounds[p + 1]]``.
    """

    place: Ints
    pair: Ints
    starts: Ints
    by_pair: Ints
    bounds: Ints


def lay_out(symbols: Ints, sizes: Ints, start: int) -> tuple[Batch, Ints]:
    """Return the sequences as a batch, and their distinct symbol pairs (P, 2).

    Args:
        symbols: (n_events,) the symbols of all sequences, one sequence after the other.
        sizes: (n_sequences,) the lengths of the sequences, each at least 1.
        start: the symbol before the first of a sequence.
    """
    firsts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    previous = np.concatenate([[start], symbols[:-1]])
    previous[firsts] = start
    codes, pair_of = np.unique(previous * (start + 1) + symbols, return_inverse=True)
    order = np.argsort(-sizes, kind="stable")
    running = np.array([int((sizes > step).sum()) for step in range(int(sizes.max()))])
    flat = np.concatenate([firsts[order[:count]] + step for step, count in enumerate(running)])
    pair = pair_of.reshape(-1)[flat].astype(np.int64)
    by_pair = np.argsort(pair, kind="stable")
    bounds = np.searchsorted(pair[by_pair], np.arange(len(codes) + 1))
    batch = Batch(flat, pair, np.concatenate([[0], np.cumsum(running)]), by_pair, bounds)
    return batch, np.stack([codes // (start + 1), codes % (start + 1)], axis=1)


def forward(batch: Batch, blocks: Floats) -> tuple[Floats, Floats, float]:
    """Return the filter before each event, the event's probability, and the log-likelihood.

    The shapes are (n_events, C) and (n_events,); the log-likelihood is in nats.
    """
    clones = blocks.shape[1]
    before, scale = np.empty((len(batch.pair), clones)), np.empty(len(batch.pair))
    current = np.full((int(batch.starts[1]), clones), 1.0 / clones)
    for first, last in zip(batch.starts[:-1], batch.starts[1:], strict=True):
        before[first:last] = current[: last - first]
        reached = _advance(before[first:last], blocks[batch.pair[first:last]])
        scale[first:last] = reached.sum(axis=1)
        current = reached / scale[first:last, None]
    return before, scale, float(np.log(scale).sum())


def _advance(filters: Floats, blocks: Floats) -> Floats:
    """Advance many filters by one step: (n, C) times (n, C, C)."""
    reached: Floats = np.matmul(filters[:, None, :], blocks)[:, 0, :]
    return reached


def backward(batch: Batch, blocks: Floats, scale: Floats) -> Floats:
    """Return the scaled backward variables, shape (n_events, C).

    They are the probabilities of the rest of the sequence given each clone of the event, divided by
    the probability of the event and of the rest.
    """
    after = np.ones((len(scale), blocks.shape[1])) / scale[:, None]
    for step in range(len(batch.starts) - 2, 0, -1):
        earlier, first, last = batch.starts[step - 1 : step + 2]
        reached = np.matmul(blocks[batch.pair[first:last]], after[first:last, :, None])[:, :, 0]
        after[earlier : earlier + last - first] *= reached
    return after


def expect(batch: Batch, blocks: Floats) -> tuple[float, Floats]:
    """Return the result of the E-step: log-likelihood in nats, expected transitions (P, C, C)."""
    before, scale, likelihood = forward(batch, blocks)
    after = backward(batch, blocks, scale)
    before, after = before[batch.by_pair], after[batch.by_pair]
    expected = np.empty_like(blocks)
    for pair, (first, last) in enumerate(zip(batch.bounds[:-1], batch.bounds[1:], strict=True)):
        expected[pair] = before[first:last].T @ after[first:last]
    return likelihood, expected * blocks


def posteriors(batch: Batch, blocks: Floats) -> tuple[Floats, Floats]:
    """Return each event's log-probability and the posterior over its clones, in original order.

    The log-probability is given the preceding events, in nats, shape (n_events,). The posteriors
    have the shape (n_events, C). The events of an impossible sequence get NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        before, scale, _ = forward(batch, blocks)
        weights = _advance(before, blocks[batch.pair]) * backward(batch, blocks, scale)
        logs, clones = np.empty_like(scale), np.empty_like(weights)
        logs[batch.place], clones[batch.place] = (
            np.log(scale),
            weights / weights.sum(axis=1, keepdims=True),
        )
    return logs, clones
