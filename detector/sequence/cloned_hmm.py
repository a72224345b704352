"""A cloned hidden Markov model: every symbol has its own few hidden states ("clones").

Dedieu, Gothoskar, Swingle, Lehrach, Lazaro-Gredilla & George (2019), "Learning higher-order
sequential structure with cloned HMMs", arXiv:1905.00507, section 3; George et al. (2021), Nature
Communications 12:2392. Emissions are fixed, so EM learns only transitions. Only the C x C blocks of
symbol pairs that occur in the training data are stored.
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
    """A cloned HMM over symbols ``0 .. n_symbols - 1``, fitted by expectation maximisation.

    The estimator follows scikit-learn's conventions, and gives the same results as
    ``hmmlearn.hmm.CategoricalHMM`` with the same matrices. A state is
    ``symbol * n_clones + clone``. ``X`` are integer symbols of shape (n_events,) or (n_events, 1),
    one sequence after the other. ``lengths`` are the lengths of the sequences, shape
    (n_sequences,); ``None`` means a single one.

    Raises:
        NotFittedError: a method other than ``fit`` is called before ``fit`` (scikit-learn's error).
        NotEnoughData: ``X`` is empty.
        InvalidValue: a parameter is invalid, or ``X`` or ``lengths`` has the wrong shape, type or
            range. For NaN, infinite or complex values, and for more dimensions, scikit-learn
            raises a ``ValueError``; for sparse input it raises a ``TypeError``.

    Args:
        n_symbols: number of symbols, M.
        n_clones: number of hidden states per symbol, C.
        n_iter: maximum number of EM iterations.
        tol: stop when an iteration gains less than this many nats.
        verbose: print each iteration to standard error (``monitor_``).
        random_state: seed of the random start.

    Attributes:
        pairs_: (P, 2) the symbol pairs (from, to) in the training data; ``n_symbols`` as *from* is
            the start of a sequence.
        pair_counts_: (P,) how often each pair occurs.
        counts_: (P, C, C) the expected transitions between clones in the last E-step.
        transitions_: (P, C, C) transition probabilities; those leaving a clone sum to one.
        monitor_: hmmlearn's ``ConvergenceMonitor``; ``history`` contains the log-likelihood in nats
            before each M-step, which never decreases.

    >>> model = ClonedHMM(n_symbols=2, n_clones=2, n_iter=50).fit(np.array([0, 0, 1] * 20))
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
        """Return the log-likelihood in nats under the unsmoothed transitions; higher is likelier.

        An unseen symbol pair gives ``-inf``. Use ``smoothing.smooth`` to score other data than the
        training data.
        """
        batch, blocks = self._blocks(*self._fitted_on(X, lengths))
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = forward(batch, blocks)[2]
        return -np.inf if np.isnan(likelihood) else likelihood

    def score_samples(
        self, X: npt.ArrayLike, lengths: npt.ArrayLike | None = None
    ) -> tuple[float, Floats]:
        """Return the log-likelihood in nats, and the posteriors over states (n_events, M x C).

        The posteriors are dense, like hmmlearn's: 20 kB per event for 250 symbols with 10 clones.
        If a sequence contains an unseen pair, the log-likelihood is ``-inf`` and the posteriors of
        that sequence's events are NaN.
        """
        symbols, sizes = self._fitted_on(X, lengths)
        logs, clones = posteriors(*self._blocks(symbols, sizes))
        dense = np.zeros((len(symbols), self.n_symbols, self.n_clones))
        dense[np.arange(len(symbols)), symbols] = clones
        dense[np.isnan(clones).any(axis=1)] = np.nan
        likelihood = float(logs.sum())
        return -np.inf if np.isnan(likelihood) else likelihood, dense.reshape(len(symbols), -1)

    def predict_proba(self, X: npt.ArrayLike, lengths: npt.ArrayLike | None = None) -> Floats:
        """Return the posteriors over states at each event, shape (n_events, M x C)."""
        return self.score_samples(X, lengths)[1]

    def decode(
        self,
        X: npt.ArrayLike,
        lengths: npt.ArrayLike | None = None,
        algorithm: Literal["viterbi", "map"] = "viterbi",
    ) -> tuple[float, Ints]:
        """Return a score and the decoded states, shape (n_events,).

        ``viterbi`` gives the likeliest path and its log-probability in nats. ``map`` gives the
        likeliest state of each event and the sum of their posteriors.
        """
        if algorithm not in ("viterbi", "map"):
            raise InvalidValue(f"algorithm must be 'viterbi' or 'map'; got {algorithm!r}")
        symbols, sizes = self._fitted_on(X, lengths)
        if algorithm == "map":
            _, clones = posteriors(*self._blocks(symbols, sizes))
            return float(clones.max(axis=1).sum()), symbols * self.n_clones + clones.argmax(axis=1)
        batch, blocks = self._blocks(symbols, sizes)
        pair_of = np.empty(len(symbols), dtype=np.int64)
        pair_of[batch.place] = batch.pair
        sequences = np.split(pair_of, np.cumsum(sizes)[:-1])
        paths = [likeliest_clones(blocks[pairs]) for pairs in sequences]
        path = np.concatenate([clones for _, clones in paths])
        return sum(score for score, _ in paths), symbols * self.n_clones + path

    def predict(self, X: npt.ArrayLike, lengths: npt.ArrayLike | None = None) -> Ints:
        """Return the states of the likeliest path, shape (n_events,)."""
        return self.decode(X, lengths)[1]

    def sample(
        self, n_samples: int = 1, random_state: int | None = None, currstate: int | None = None
    ) -> tuple[Ints, Ints]:
        """Draw symbols (n_samples, 1) and their states (n_samples,).

        After a clone without transitions a new sequence begins.

        Args:
            n_samples: number of symbols.
            random_state: seed; ``None`` uses the parameter of the model.
            currstate: the first state; ``None`` draws it as the start of a sequence.
        """
        self._require_fit()
        if currstate is not None and not 0 <= currstate < self.n_components:
            raise InvalidValue(f"currstate must lie in 0..{self.n_components - 1}; got {currstate}")
        rng = np.random.default_rng(self.random_state if random_state is None else random_state)
        states: list[int] = [] if currstate is None else [currstate]
        while len(states) < n_samples:
            states.append(self._draw_next(states[-1] if states else None, rng))
        drawn = np.array(states[:n_samples], dtype=np.int64)
        return drawn[:, None] // self.n_clones, drawn

    def _draw_next(self, state: int | None, rng: np.random.Generator) -> int:
        symbol, clone = (
            (self.n_symbols, int(rng.integers(self.n_clones)))
            if state is None
            else divmod(state, self.n_clones)
        )
        leaving = np.flatnonzero(self.pairs_[:, 0] == symbol)
        shares = self.transitions_[leaving, clone].ravel()
        if shares.sum() == 0.0:
            return self._draw_next(None, rng)
        drawn = int(rng.choice(len(shares), p=shares / shares.sum()))
        return (
            int(self.pairs_[leaving[drawn // self.n_clones], 1]) * self.n_clones
            + drawn % self.n_clones
        )

    def _blocks(self, symbols: Ints, sizes: Ints) -> tuple[Batch, Floats]:
        """Return the batch and the transitions of its pairs; those of an unseen pair are zero."""
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
        """Normalise the weights that leave each clone to one; a clone without any keeps zeros."""
        totals = np.zeros((self.n_symbols + 1, self.n_clones))
        np.add.at(totals, self.pairs_[:, 0], weights.sum(axis=2))
        leaving = totals[self.pairs_[:, 0]][:, :, None]
        return np.divide(weights, leaving, out=np.zeros_like(weights), where=leaving > 0)
