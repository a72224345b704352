"""Fitting a cloned hidden Markov model: every symbol has its own few hidden states ("clones").

Dedieu, Gothoskar, Swingle, Lehrach, Lazaro-Gredilla & George (2019), "Learning higher-order sequential structure with
cloned HMMs", arXiv:1905.00507, section 3; George et al. (2021), Nature Communications 12:2392. Emissions are fixed, so EM learns only
transitions, and only the C x C blocks of symbol pairs that were seen are stored. The E-step is the scaled forward-backward
recursion of Rabiner (1989), batched over sequences: a step costs one small product for each sequence that is still running.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.errors import InvalidValue, NotEnoughData

__all__ = ["ClonedHMM"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Sequences laid out step by step, the longest first, so that the running ones are always a prefix.

    ``pair`` (n_events,) is the number of each event's symbol pair; events of step k are ``starts[k]:starts[k + 1]``.
    ``by_pair`` sorts events by pair; those of pair p are ``by_pair[bounds[p]:bounds[p + 1]]``.
    """

    pair: Ints
    starts: Ints
    by_pair: Ints
    bounds: Ints


class ClonedHMM:
    """A cloned HMM over symbols ``0 .. n_symbols - 1``, fitted by expectation maximisation.

    Args:
        n_symbols: number of symbols, M.
        n_clones: hidden states of each symbol, C.
        n_iter: EM iterations at most.
        tol: stop when an iteration gains less than this many nats per event.
        random_state: seed of the random start.

    Attributes:
        pairs_: (P, 2) the symbol pairs (from, to) that were seen; ``n_symbols`` as *from* is the start of a sequence.
        pair_counts_: (P,) how often each was seen.
        counts_: (P, C, C) expected transitions between clones, the last E-step's.
        transitions_: (P, C, C) probabilities; those leaving a clone sum to one.
        history_: log-likelihood in nats before each M-step; it never falls.

    >>> model = ClonedHMM(n_symbols=2, n_clones=2, n_iter=50).fit(np.array([0, 0, 1] * 20), lengths=[60])
    >>> bool(model.history_[-1] > model.history_[0])
    True
    """

    def __init__(
        self,
        n_symbols: int,
        n_clones: int = 10,
        *,
        n_iter: int = 20,
        tol: float = 1e-4,
        random_state: int = 0,
    ) -> None:
        if min(n_symbols, n_clones, n_iter) < 1:
            raise InvalidValue(
                f"n_symbols, n_clones and n_iter must be at least 1; got {n_symbols}, {n_clones}, {n_iter}"
            )
        self.n_symbols = n_symbols
        self.n_clones = n_clones
        self.n_iter = n_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, lengths: npt.ArrayLike | None = None) -> ClonedHMM:
        """Estimate the transitions from sequences of symbols.

        Args:
            X: (n_events,) or (n_events, 1) symbols, the sequences one after the other.
            lengths: (n_sequences,) their lengths; ``None`` for a single sequence.

        Raises:
            NotEnoughData: there is no event.
            InvalidValue: a symbol is out of range, or the lengths do not add up.
        """
        symbols, sizes = self._checked(X, lengths)
        batch, self.pairs_ = _lay_out(symbols, sizes, self.n_symbols)
        self.pair_counts_ = np.bincount(batch.pair, minlength=len(self.pairs_)).astype(float)
        rng = np.random.default_rng(self.random_state)
        shape = (len(self.pairs_), self.n_clones, self.n_clones)
        self.transitions_ = self._normalised(self.pair_counts_[:, None, None] * rng.gamma(1.0, 1.0, shape))
        self.history_: list[float] = []
        for _ in range(self.n_iter):
            likelihood, self.counts_ = _expect(batch, self.transitions_)
            self.history_.append(likelihood)
            self.transitions_ = self._normalised(self.counts_)
            if len(self.history_) > 1 and likelihood - self.history_[-2] < self.tol * len(symbols):
                break
        return self

    def score(self, X: npt.ArrayLike, lengths: npt.ArrayLike | None = None) -> float:
        """Log-likelihood in nats of sequences under the unsmoothed transitions; higher is likelier.

        A symbol pair that was never seen gives ``-inf``: use ``smoothing`` for anything but fitted data.
        """
        symbols, sizes = self._checked(X, lengths)
        batch, pairs = _lay_out(symbols, sizes, self.n_symbols)
        known = {tuple(pair): number for number, pair in enumerate(self.pairs_.tolist())}
        blocks = np.zeros((len(pairs), self.n_clones, self.n_clones))
        for row, pair in enumerate(pairs.tolist()):
            if tuple(pair) in known:
                blocks[row] = self.transitions_[known[tuple(pair)]]
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = _forward(batch, blocks)[2]
        return -np.inf if np.isnan(likelihood) else likelihood

    def _checked(self, X: npt.ArrayLike, lengths: npt.ArrayLike | None) -> tuple[Ints, Ints]:
        symbols = np.asarray(X, dtype=np.int64).reshape(-1)
        sizes = np.array([len(symbols)]) if lengths is None else np.asarray(lengths, dtype=np.int64)
        if not len(symbols):
            raise NotEnoughData(
                "there is no event to fit or score; give at least one sequence with one symbol"
            )
        if symbols.min() < 0 or symbols.max() >= self.n_symbols:
            raise InvalidValue(
                f"symbols must lie in 0..{self.n_symbols - 1}; found {symbols.min()}..{symbols.max()}"
            )
        if (sizes < 0).any():
            raise InvalidValue(f"lengths must not be negative; found {sizes.min()}")
        if sizes.sum() != len(symbols):
            raise InvalidValue(f"lengths add up to {sizes.sum()}, but X holds {len(symbols)} symbols")
        return symbols, sizes[sizes > 0]

    def _normalised(self, weights: Floats) -> Floats:
        """Make the probabilities that leave each clone sum to one; a clone that nothing leaves keeps zeros."""
        totals = np.zeros((self.n_symbols + 1, self.n_clones))
        np.add.at(totals, self.pairs_[:, 0], weights.sum(axis=2))
        leaving = totals[self.pairs_[:, 0]][:, :, None]
        return np.divide(weights, leaving, out=np.zeros_like(weights), where=leaving > 0)


def _lay_out(symbols: Ints, sizes: Ints, start: int) -> tuple[_Batch, Ints]:
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
    batch = _Batch(pair, np.concatenate([[0], np.cumsum(running)]), by_pair, bounds)
    return batch, np.stack([codes // (start + 1), codes % (start + 1)], axis=1)


def _forward(batch: _Batch, blocks: Floats) -> tuple[Floats, Floats, float]:
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


def _backward(batch: _Batch, blocks: Floats, scale: Floats) -> Floats:
    """Return for each event (n_events, C): how likely the rest is from each of its clones, over its probability."""
    after = np.ones((len(scale), blocks.shape[1])) / scale[:, None]
    for step in range(len(batch.starts) - 2, 0, -1):
        earlier, first, last = batch.starts[step - 1 : step + 2]
        reached = np.matmul(blocks[batch.pair[first:last]], after[first:last, :, None])[:, :, 0]
        after[earlier : earlier + last - first] *= reached
    return after


def _expect(batch: _Batch, blocks: Floats) -> tuple[float, Floats]:
    """The E-step: the log-likelihood in nats and the expected transitions (P, C, C)."""
    before, scale, likelihood = _forward(batch, blocks)
    after = _backward(batch, blocks, scale)
    before, after = before[batch.by_pair], after[batch.by_pair]
    expected = np.empty_like(blocks)
    for pair, (first, last) in enumerate(zip(batch.bounds[:-1], batch.bounds[1:], strict=True)):
        expected[pair] = before[first:last].T @ after[first:last]
    return likelihood, expected * blocks
