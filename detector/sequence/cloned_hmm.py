"""A cloned hidden Markov model: every symbol has its own few hidden states ("clones").

Dedieu, Gothoskar, Swingle, Lehrach, Lazaro-Gredilla & George (2019), "Learning higher-order sequential structure with
cloned HMMs", arXiv:1905.00507, section 3; George et al. (2021), Nature Communications 12:2392. Emissions are fixed, so EM learns only
transitions, and only the C x C blocks of symbol pairs that were seen are stored.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from hmmlearn.base import ConvergenceMonitor
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from detector.contracts.errors import InvalidValue
from detector.sequence.forward_backward import Batch, expect, forward, lay_out, posteriors
from detector.sequence.validation import check_at_least_one, checked_sequences
from detector.sequence.viterbi import likeliest_clones

__all__ = ["ClonedHMM"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class ClonedHMM(BaseEstimator):  # type: ignore[misc] # scikit-learn is not typed
    """A cloned HMM over symbols ``0 .. n_symbols - 1``, fitted by expectation maximisation, with hmmlearn's conventions.

    It answers the calls of ``hmmlearn.hmm.CategoricalHMM`` as that would, holding the same matrices. A state is ``symbol * n_clones +
    clone``; ``X`` is (n_events,) or (n_events, 1) symbols, the sequences one after the other, and ``lengths`` (n_sequences,) their
    lengths, ``None`` for a single one.

    ``fit`` raises ``InvalidValue`` for an invalid parameter; every other call raises scikit-learn's ``NotFittedError`` before
    ``fit``. Every call with ``X`` raises ``NotEnoughData`` if there is no event, and ``InvalidValue`` or another ``ValueError``
    if ``X`` or ``lengths`` has the wrong shape, type or range.

    Args:
        n_symbols: number of symbols, M.
        n_clones: hidden states of each symbol, C.
        n_iter: EM iterations at most.
        tol: stop when an iteration gains less than this many nats.
        verbose: let ``monitor_`` print each iteration to standard error.
        random_state: seed of the random start.

    Attributes:
        pairs_: (P, 2) the symbol pairs (from, to) that were seen; ``n_symbols`` as *from* is the start of a sequence.
        pair_counts_: (P,) how often each was seen.
        counts_: (P, C, C) expected transitions between clones, the last E-step's.
        transitions_: (P, C, C) probabilities; those leaving a clone sum to one.
        monitor_: hmmlearn's monitor; its ``history`` holds the log-likelihood in nats before each M-step, which never falls.

    >>> model = ClonedHMM(n_symbols=2, n_clones=2, n_iter=50).fit(np.array([0, 0, 1] * 20), lengths=[60])
    >>> bool(model.monitor_.history[-1] > model.monitor_.history[0])
    True
    """

    def __init__(
        self,
        n_symbols: int,
        n_clones: int = 10,
        *,
        n_iter: int = 20,
        tol: float = 1e-2,
        verbose: bool = False,
        random_state: int = 0,
    ) -> None:
        self.n_symbols = n_symbols
        self.n_clones = n_clones
        self.n_iter = n_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state

    @property
    def n_components(self) -> int:
        """Number of states, M x C."""
        return self.n_symbols * self.n_clones

    def fit(self, X: npt.ArrayLike, lengths: npt.ArrayLike | None = None) -> ClonedHMM:
        """Estimate the transitions from sequences of symbols."""
        for name in ("n_symbols", "n_clones", "n_iter"):
            check_at_least_one(name, getattr(self, name))
        symbols, sizes = checked_sequences(self, X, lengths, self.n_symbols, fitting=True)
        batch, self.pairs_ = lay_out(symbols, sizes, self.n_symbols)
        self.pair_counts_ = np.bincount(batch.pair, minlength=len(self.pairs_)).astype(float)
        rng = np.random.default_rng(self.random_state)
        shape = (len(self.pairs_), self.n_clones, self.n_clones)
        self.transitions_ = self._normalised(
            self.pair_counts_[:, None, None] * rng.gamma(1.0, 1.0, shape)
        )
        self.monitor_ = ConvergenceMonitor(self.tol, self.n_iter, self.verbose)
        while not self.monitor_.converged:
            likelihood, self.counts_ = expect(batch, self.transitions_)
            self.monitor_.report(likelihood)
            self.transitions_ = self._normalised(self.counts_)
        return self

    def score(self, X: npt.ArrayLike, lengths: npt.ArrayLike | None = None) -> float:
        """Log-likelihood in nats of sequences under the unsmoothed transitions; higher is likelier.

        A symbol pair that was never seen gives ``-inf``: use ``smoothing`` for anything but fitted data.
        """
        batch, blocks = self._blocks(*self._fitted_on(X, lengths))
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = forward(batch, blocks)[2]
        return -np.inf if np.isnan(likelihood) else likelihood

    def score_samples(
        self, X: npt.ArrayLike, lengths: npt.ArrayLike | None = None
    ) -> tuple[float, Floats]:
        """Return the log-likelihood in nats and the posterior over the states at each event, shape (n_events, M x C).

        The posteriors are dense, as hmmlearn's are: 20 kB an event for 250 symbols with 10 clones. Where a sequence holds a pair that
        was never seen, the log-likelihood is ``-inf`` and the posteriors of its events are NaN: nothing could have led there.
        """
        symbols, sizes = self._fitted_on(X, lengths)
        logs, clones = posteriors(*self._blocks(symbols, sizes))
        dense = np.zeros((len(symbols), self.n_symbols, self.n_clones))
        dense[np.arange(len(symbols)), symbols] = clones
        dense[np.isnan(clones).any(axis=1)] = np.nan
        likelihood = float(logs.sum())
        return -np.inf if np.isnan(likelihood) else likelihood, dense.reshape(len(symbols), -1)

    def predict_proba(self, X: npt.ArrayLike, lengths: npt.ArrayLike | None = None) -> Floats:
        """Return the posterior over the states at each event, shape (n_events, M x C)."""
        return self.score_samples(X, lengths)[1]

    def decode(
        self,
        X: npt.ArrayLike,
        lengths: npt.ArrayLike | None = None,
        algorithm: Literal["viterbi", "map"] = "viterbi",
    ) -> tuple[float, Ints]:
        """Return a score and states (n_events,): the likeliest path, scored by its log-probability in nats.

        With ``map`` the likeliest state of each event instead, scored by the sum of their posteriors.
        """
        if algorithm not in ("viterbi", "map"):
            raise InvalidValue(f"algorithm must be 'viterbi' or 'map'; got {algorithm!r}")
        symbols, sizes = self._fitted_on(X, lengths)
        if algorithm == "map":
            _, clones = posteriors(*self._blocks(symbols, sizes))
            return float(clones.max(axis=1).sum()), symbols * self.n_clones + clones.argmax(axis=1)
        batch, blocks = self._blocks(symbols, sizes)
        into = np.empty(len(symbols), dtype=np.int64)
        into[batch.place] = batch.pair
        found = [likeliest_clones(blocks[part]) for part in np.split(into, np.cumsum(sizes)[:-1])]
        path = np.concatenate([clones for _, clones in found])
        return sum(score for score, _ in found), symbols * self.n_clones + path

    def predict(self, X: npt.ArrayLike, lengths: npt.ArrayLike | None = None) -> Ints:
        """Return the states of the likeliest path, shape (n_events,)."""
        return self.decode(X, lengths)[1]

    def sample(
        self, n_samples: int = 1, random_state: int | None = None, currstate: int | None = None
    ) -> tuple[Ints, Ints]:
        """Draw symbols (n_samples, 1) and the states (n_samples,) behind them.

        A clone that nothing ever left ends a sequence: the next symbol begins another one.

        Args:
            n_samples: how many.
            random_state: seed; ``None`` takes the model's own.
            currstate: the first of the states; ``None`` draws it as the first of a sequence.
        """
        self._require_fit()
        if currstate is not None and not 0 <= currstate < self.n_components:
            raise InvalidValue(f"currstate must lie in 0..{self.n_components - 1}; got {currstate}")
        rng = np.random.default_rng(self.random_state if random_state is None else random_state)
        states: list[int] = [] if currstate is None else [currstate]
        while len(states) < n_samples:
            states.append(self._drawn_after(states[-1] if states else None, rng))
        found = np.array(states[:n_samples], dtype=np.int64)
        return found[:, None] // self.n_clones, found

    def _drawn_after(self, state: int | None, rng: np.random.Generator) -> int:
        symbol, clone = (
            (self.n_symbols, int(rng.integers(self.n_clones)))
            if state is None
            else divmod(state, self.n_clones)
        )
        leaving = np.flatnonzero(self.pairs_[:, 0] == symbol)
        shares = self.transitions_[leaving, clone].ravel()
        if shares.sum() == 0.0:
            return self._drawn_after(None, rng)
        drawn = int(rng.choice(len(shares), p=shares / shares.sum()))
        return (
            int(self.pairs_[leaving[drawn // self.n_clones], 1]) * self.n_clones
            + drawn % self.n_clones
        )

    def _blocks(self, symbols: Ints, sizes: Ints) -> tuple[Batch, Floats]:
        """Lay sequences out and pick their pairs' transitions; zeros where a pair was never seen."""
        batch, pairs = lay_out(symbols, sizes, self.n_symbols)
        known = {tuple(pair): number for number, pair in enumerate(self.pairs_.tolist())}
        blocks = np.zeros((len(pairs), self.n_clones, self.n_clones))
        for row, pair in enumerate(pairs.tolist()):
            if tuple(pair) in known:
                blocks[row] = self.transitions_[known[tuple(pair)]]
        return batch, blocks

    def _fitted_on(self, X: npt.ArrayLike, lengths: npt.ArrayLike | None) -> tuple[Ints, Ints]:
        """Return validated symbols and lengths for a call that needs a fitted model."""
        self._require_fit()
        return checked_sequences(self, X, lengths, self.n_symbols)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        return tags

    def _require_fit(self) -> None:
        check_is_fitted(self, ["pairs_", "transitions_"])

    def _normalised(self, weights: Floats) -> Floats:
        """Make the probabilities that leave each clone sum to one; a clone that nothing leaves keeps zeros."""
        totals = np.zeros((self.n_symbols + 1, self.n_clones))
        np.add.at(totals, self.pairs_[:, 0], weights.sum(axis=2))
        leaving = totals[self.pairs_[:, 0]][:, :, None]
        return np.divide(weights, leaving, out=np.zeros_like(weights), where=leaving > 0)
