"""The forward-backward recursion of many sequences at once, over the blocks of a cloned HMM.

Rabiner (1989), "A tutorial on hidden Markov models", eq. 18-27, scaled as in section V.A, batched over sequences: a step costs one
small product for each sequence that is still running.
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
    """Sequences laid out step by step, the longest first, so that the running ones are always a prefix.

    ``place`` (n_events,) is where each event stood before; ``pair`` (n_events,) the number of its symbol pair. Events of step k are
    ``starts[k]:starts[k + 1]``.
    ``by_pair`` sorts events by pair; those of pair p are ``by_pair[bounds[p]:bounds[p + 1]]``.
    """

    place: Ints
    pair: Ints
    starts: Ints
    by_pair: Ints
    bounds: Ints


def lay_out(symbols: Ints, sizes: Ints, start: int) -> tuple[Batch, Ints]:
    """Lay sequences out as a batch; return it with the (P, 2) distinct pairs."""
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
    """Return for each event the filter before it (n_events, C), its probability (n_events,), and the log-likelihood."""
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
    """One step of many filters: (n, C) times (n, C, C)."""
    reached: Floats = np.matmul(filters[:, None, :], blocks)[:, 0, :]
    return reached


def backward(batch: Batch, blocks: Floats, scale: Floats) -> Floats:
    """Return for each event (n_events, C): how likely the rest is from each of its clones, over its probability."""
    after = np.ones((len(scale), blocks.shape[1])) / scale[:, None]
    for step in range(len(batch.starts) - 2, 0, -1):
        earlier, first, last = batch.starts[step - 1 : step + 2]
        reached = np.matmul(blocks[batch.pair[first:last]], after[first:last, :, None])[:, :, 0]
        after[earlier : earlier + last - first] *= reached
    return after


def expect(batch: Batch, blocks: Floats) -> tuple[float, Floats]:
    """The E-step: the log-likelihood in nats and the expected transitions (P, C, C)."""
    before, scale, likelihood = forward(batch, blocks)
    after = backward(batch, blocks, scale)
    before, after = before[batch.by_pair], after[batch.by_pair]
    expected = np.empty_like(blocks)
    for pair, (first, last) in enumerate(zip(batch.bounds[:-1], batch.bounds[1:], strict=True)):
        expected[pair] = before[first:last].T @ after[first:last]
    return likelihood, expected * blocks


def posteriors(batch: Batch, blocks: Floats) -> tuple[Floats, Floats]:
    """Return each event's log-probability given what came before (n_events,), in nats, and the posterior over its clones (n_events, C).

    Both in the order in which the events were laid out from. Events of a sequence that is impossible get NaN.
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
