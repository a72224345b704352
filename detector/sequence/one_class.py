"""One-class detection of abnormal sequences, such as logs and command histories.

A sequence can be abnormal by the order of its symbols or by their counts. A hidden Markov model
cannot count, so both are scored. The order is scored by a mixture of two cloned HMMs: one with a
single clone per symbol (a bigram, reliable on little data), and one with the number of clones that
the validation likelihood selects.
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

#: Candidates for the number of clones.
CLONES = (1, 2, 4, 8, 16)
_ITERATIONS = 30
#: Share of the training sequences that is held out to select the number of clones and thresholds.
_HELD_OUT = 0.2
_LEAST_SEQUENCES = 10


@dataclass(frozen=True, slots=True, eq=False)
class SequenceDetector:
    """A model of normal sequences.

    Attributes:
        symbols: the number of each known symbol; the next numbers are the end of a sequence and the
            unseen symbol.
        models: the cloned HMMs whose probabilities are averaged at each step.
        clones: the number of clones that the validation likelihood selected.
        counts: by symbol and number of occurrences, the number of training sequences.
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
        """Return the bits of the most surprising step and count, added; higher is rarer."""
        return self.step_bits(sequence) + self.count_bits(sequence)

    def scores(self, sequences: Iterable[Sequence[str]], progress: Progress = silent) -> Floats:
        """Return the scores of many sequences, shape (n,); equal sequences are scored once."""
        all_sequences = [tuple(sequence) for sequence in sequences]
        scores: dict[tuple[str, ...], float] = {}
        for number, sequence in enumerate(all_sequences):
            if sequence not in scores:
                scores[sequence] = self.score(sequence)
            if number % 256 == 0:
                progress("scoring sequences", number, len(all_sequences))
        progress("scoring sequences", len(all_sequences), len(all_sequences))
        return np.array([scores[sequence] for sequence in all_sequences])

    def step_bits(self, sequence: Sequence[str]) -> float:
        """Return the bits of the most surprising step; the end of the sequence is a step."""
        symbols = _numbers(sequence, self.symbols)
        bits = np.array([model.surprisals(symbols) for model in self.models])
        return float(-np.log2(np.mean(2.0**-bits, axis=0).min()))

    def count_bits(self, sequence: Sequence[str]) -> float:
        """Return the bits of the most surprising count of a symbol.

        Half an observation is added to each count in the training data, and to the unseen counts.
        """
        counted = Counter(sequence)
        return max(self._count_bits(symbol, counted[symbol]) for symbol in {*self.counts, *counted})

    def _count_bits(self, symbol: str, times: int) -> float:
        seen = self.counts.get(symbol, {0: self.total})
        return -math.log2((seen.get(times, 0) + 0.5) / (self.total + 0.5 * (len(seen) + 1)))

    def threshold(self, false_alarms: float) -> float:
        """Return the score that a share ``false_alarms`` of held-out normal sequences exceeds."""
        return float(np.quantile(self.usual, 1.0 - false_alarms))


@dataclass(frozen=True, slots=True)
class SequenceReport:
    """How well scores separate normal sequences (label 0) from abnormal ones (label 1).

    ``false_alarms_at_90`` is the share of normal sequences that are reported at 90 % detection.
    """

    sequences: int
    abnormal: int
    auroc: float
    false_alarms_at_90: float
    clones: int


def fit_sequences(
    sequences: Iterable[Sequence[str]], *, seed: int = 0, progress: Progress = silent
) -> SequenceDetector:
    """Fit a detector to normal sequences.

    Args:
        sequences: normal sequences.
        seed: seed of the held-out split and of the random starts.
        progress: called with (stage, done, total) as the work advances.

    Raises:
        NotEnoughData: there are fewer than ten sequences.
    """
    normal = [tuple(sequence) for sequence in sequences]
    if len(normal) < _LEAST_SEQUENCES:
        raise NotEnoughData(
            f"a sequence detector needs at least {_LEAST_SEQUENCES} normal sequences; "
            f"there are {len(normal)}"
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
    """Compare scores with labels.

    Raises:
        InvalidValue: the numbers of labels and scores differ, or all labels are equal.
    """
    truth = np.array(labels, dtype=bool)
    if len(truth) != len(scores):
        raise InvalidValue(
            f"there are {len(scores)} sequences and {len(truth)} labels; "
            "give one label per sequence"
        )
    if truth.all() or not truth.any():
        raise InvalidValue(
            "all labels are the same; the report needs normal (0) and abnormal (1) sequences"
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
    """Return F1 for the shares of found abnormal sequences and of false alarms.

    ``abnormal`` and ``normal`` are the numbers of sequences, which give the base rate.

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
