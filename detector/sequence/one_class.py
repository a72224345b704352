"""One-class detection in sequences of any symbols: logs, command histories. Learns what is normal, and scores how far one is from it.

Two things can be wrong with a sequence: what follows what, and how often something comes. A hidden Markov model cannot count, so
both are asked. What follows what is scored by a mixture of two cloned HMMs: one clone a symbol (a bigram, sure on little data) and
as many as validation likelihood prefers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from detector.contracts.errors import InvalidValue, NotEnoughData
from detector.progress import Progress, silent
from detector.sequence.cloned_hmm import ClonedHMM
from detector.sequence.sequence_model import SequenceModel
from detector.sequence.smoothing import smooth

__all__ = ["CLONES", "SequenceDetector", "SequenceReport", "f1_score", "fit_sequences", "report_on"]

Floats = npt.NDArray[np.float64]

#: Numbers of clones to choose from.
CLONES = (1, 2, 4, 8, 16)
_ITERATIONS = 30
#: Share of the training sequences that the number of clones is chosen on, and thresholds come from.
_HELD_OUT = 0.2
_FEWEST = 10


@dataclass(frozen=True, slots=True, eq=False)
class SequenceDetector:
    """What is normal.

    Attributes:
        symbols: the number of each known symbol; the end of a sequence and the unseen symbol follow.
        models: the cloned HMMs whose probabilities are averaged at each step.
        clones: the number that validation likelihood chose.
        counts: by symbol, how many training sequences hold it how often.
        total: the number of training sequences.
        usual: (n,) scores of held-out normal sequences, ascending.
    """

    symbols: Mapping[str, int]
    models: tuple[SequenceModel, ...]
    clones: int
    counts: Mapping[str, Mapping[int, int]]
    total: int
    usual: Floats

    def score(self, sequence: Sequence[str]) -> float:
        """Return the bits of the most surprising step plus those of the most surprising count; higher is rarer."""
        return self.step_bits(sequence) + self.count_bits(sequence)

    def scores(self, sequences: Iterable[Sequence[str]], progress: Progress = silent) -> Floats:
        """Score many sequences, shape (n,); the same sequence is scored once."""
        wanted = [tuple(sequence) for sequence in sequences]
        known: dict[tuple[str, ...], float] = {}
        for number, sequence in enumerate(wanted):
            if sequence not in known:
                known[sequence] = self.score(sequence)
            if number % 256 == 0:
                progress("scoring sequences", number, len(wanted))
        progress("scoring sequences", len(wanted), len(wanted))
        return np.array([known[sequence] for sequence in wanted])

    def step_bits(self, sequence: Sequence[str]) -> float:
        """Surprisal of the most surprising step; that the sequence ends where it does is one."""
        symbols = _numbers(sequence, self.symbols)
        bits = np.array([model.surprisals(symbols) for model in self.models])
        return float(-np.log2(np.mean(2.0**-bits, axis=0).min()))

    def count_bits(self, sequence: Sequence[str]) -> float:
        """Surprisal of how often a symbol comes, of the most surprising one; half a count is added to each count that was seen."""
        came = Counter(sequence)
        return max(self._count_bits(symbol, came[symbol]) for symbol in {*self.counts, *came})

    def _count_bits(self, symbol: str, times: int) -> float:
        seen = self.counts.get(symbol, {0: self.total})
        return -math.log2((seen.get(times, 0) + 0.5) / (self.total + 0.5 * (len(seen) + 1)))

    def threshold(self, false_alarms: float) -> float:
        """Return the score that this share of held-out normal sequences is above."""
        return float(np.quantile(self.usual, 1.0 - false_alarms))


@dataclass(frozen=True, slots=True)
class SequenceReport:
    """How well normal sequences (label 0) are told from others (1); ``false_alarms_at_90`` is their share at 90 % detection."""

    sequences: int
    abnormal: int
    auroc: float
    false_alarms_at_90: float
    clones: int


def fit_sequences(
    sequences: Iterable[Sequence[str]], *, seed: int = 0, progress: Progress = silent
) -> SequenceDetector:
    """Learn what is normal.

    Args:
        sequences: normal ones.
        seed: of what is held out and of the random starts.
        progress: called with (stage, done, total) as the work goes on.

    Raises:
        NotEnoughData: there are fewer than ten sequences.
    """
    normal = [tuple(sequence) for sequence in sequences]
    if len(normal) < _FEWEST:
        raise NotEnoughData(
            f"learning what is normal takes at least {_FEWEST} sequences; there are {len(normal)}"
        )
    shuffled = np.random.default_rng(seed).permutation(len(normal)).tolist()
    apart = max(int(_HELD_OUT * len(normal)), 1)
    held_out, learned = (
        [normal[place] for place in part] for part in (shuffled[:apart], shuffled[apart:])
    )
    symbols = {
        symbol: number
        for number, symbol in enumerate(sorted({each for one in learned for each in one}))
    }
    fitted: dict[int, SequenceModel] = {}
    surprise: dict[int, float] = {}
    for number, clones in enumerate(CLONES):
        progress("choosing the number of clones", number, len(CLONES))
        fitted[clones] = _fit(learned, symbols, clones, seed)
        surprise[clones] = sum(
            sum(fitted[clones].surprisals(_numbers(one, symbols))) for one in held_out
        )
    progress("choosing the number of clones", len(CLONES), len(CLONES))
    chosen = min(CLONES, key=lambda clones: surprise[clones])
    counts = {symbol: Counter(one.count(symbol) for one in learned) for symbol in symbols}
    models = tuple(fitted[clones] for clones in sorted({1, chosen}))
    draft = SequenceDetector(symbols, models, chosen, counts, len(learned), np.empty(0))
    usual = np.sort(draft.scores(held_out))
    return SequenceDetector(symbols, models, chosen, counts, len(learned), usual)


def report_on(detector: SequenceDetector, scores: Floats, labels: Sequence[int]) -> SequenceReport:
    """Hold scores against labels.

    Raises:
        InvalidValue: there is not a label for each sequence, or all are the same.
    """
    truth = np.array(labels, dtype=bool)
    if len(truth) != len(scores):
        raise InvalidValue(
            f"there are {len(scores)} sequences and {len(truth)} labels; give one label a sequence"
        )
    if truth.all() or not truth.any():
        raise InvalidValue(
            "the labels are all the same; measuring takes normal (0) and abnormal (1) sequences"
        )
    at_90 = float(np.quantile(scores[truth], 0.1, method="lower"))
    return SequenceReport(
        sequences=len(truth),
        abnormal=int(truth.sum()),
        auroc=round(float(roc_auc_score(truth, scores)), 5),
        false_alarms_at_90=round(float((scores[~truth] >= at_90).mean()), 5),
        clones=detector.clones,
    )


def f1_score(found: float, false_alarms: float, *, abnormal: int, normal: int) -> float:
    """Return F1 at the base rate that ``abnormal`` and ``normal`` sequences in all give.

    >>> f1_score(1.0, 0.0, abnormal=10, normal=1000)
    1.0
    """
    hits, alarms = found * abnormal, false_alarms * normal
    return 2.0 * hits / (hits + alarms + abnormal)


def _numbers(sequence: Sequence[str], symbols: Mapping[str, int]) -> list[int]:
    return [*(symbols.get(symbol, len(symbols) + 1) for symbol in sequence), len(symbols)]


def _fit(
    sequences: Sequence[Sequence[str]], symbols: Mapping[str, int], clones: int, seed: int
) -> SequenceModel:
    numbers = [_numbers(sequence, symbols) for sequence in sequences]
    model = ClonedHMM(len(symbols) + 2, clones, n_iter=_ITERATIONS, random_state=seed)
    return smooth(model.fit(np.concatenate(numbers), [len(each) for each in numbers]))
