"""One-class detection of abnormal sequences, such as logs, system calls and command histories.

Six statistics of a sequence (``statistics.py``) become p-values from held-out normal sequences of
similar length (``p_values.py``). The score adds their logarithms (Fisher 1932, "Statistical methods
for research workers", section 21.1). The statistics depend on each other, so the distribution of
the sum comes from the held-out sequences as well (Brown 1975, "A method for combining
non-independent, one-sided tests of significance", fits it). There is nothing to tune.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.contracts.errors import NotEnoughData
from detector.progress import Progress, silent
from detector.sequence.batch_surprisals import batch_surprisals
from detector.sequence.cloned_hmm import ClonedHMM
from detector.sequence.p_values import UsualValues
from detector.sequence.sequence_model import SequenceModel
from detector.sequence.smoothing import smooth
from detector.sequence.statistics import STATISTICS, Statistics, number_symbols, numbers

__all__ = ["CLONES", "SequenceDetector", "fit_sequences"]

Floats = npt.NDArray[np.float64]

#: Candidates for the number of clones.
CLONES = (1, 2, 4, 8, 16)
_ITERATIONS = 30
#: Share of the training sequences that is held out to select the number of clones and to learn
#: which values are usual.
_HELD_OUT = 0.3
_LEAST_SEQUENCES = 10
#: Events that are scored at once, which bounds the memory.
_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class SequenceDetector:
    """A model of normal sequences.

    Attributes:
        statistics: computes the six statistics of a sequence.
        clones: the number of clones that the validation likelihood selected.
        alone: how high each statistic is on held-out normal sequences.
        together: how high the sum of their p-values' bits is.
    """

    statistics: Statistics
    clones: int
    alone: tuple[UsualValues, ...]
    together: UsualValues

    def score(self, sequence: Sequence[str]) -> float:
        """Return the score of one sequence; see ``combine``."""
        return float(self.scores([sequence])[0])

    def scores(self, sequences: Iterable[Sequence[str]], progress: Progress = silent) -> Floats:
        """Return the scores of many sequences, shape (n,); see ``combine``."""
        return self.combine(self.surprises(sequences, progress))

    def surprises(self, sequences: Iterable[Sequence[str]], progress: Progress = silent) -> Floats:
        """Return -log2 of the p-value of each statistic alone, in bits, shape (n, 6).

        The columns are in the order of ``STATISTICS``. Equal sequences are scored once.
        """
        every = [tuple(sequence) for sequence in sequences]
        distinct = list(dict.fromkeys(every))
        values = _values(self.statistics, distinct, progress)
        lengths = _log_lengths(distinct)
        columns = zip(self.alone, values.T, strict=True)
        found = np.stack([usual.surprise(column, lengths) for usual, column in columns], axis=1)
        places = {sequence: place for place, sequence in enumerate(distinct)}
        return found[[places[sequence] for sequence in every]]

    def combine(self, surprises: Floats) -> Floats:
        """Return -log2 of the p-value of all statistics together, in bits; higher is rarer.

        About one in 2**b normal sequences reaches b bits. Beyond the highest scores of held-out
        sequences, the number is an extrapolation.

        Args:
            surprises: (n, 6) the result of ``surprises``.
        """
        return self.together.surprise(surprises.sum(axis=1), np.zeros(len(surprises)))

    def threshold(self, false_alarms: float) -> float:
        """Return the score that a share ``false_alarms``, above 0, of normal sequences exceeds."""
        return -math.log2(false_alarms)


def fit_sequences(
    sequences: Iterable[Sequence[str]], *, seed: int = 0, progress: Progress = silent
) -> SequenceDetector:
    """Fit a detector to normal sequences, in time linear in their number of events.

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
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(normal)).tolist()
    apart = int(_HELD_OUT * len(normal))
    held_out, learned = (
        [normal[place] for place in part] for part in (shuffled[:apart], shuffled[apart:])
    )
    symbols = number_symbols(learned)
    fitted: dict[int, SequenceModel] = {}
    surprise: dict[int, float] = {}
    for number, clones in enumerate(CLONES):
        progress("choosing the number of clones", number, len(CLONES))
        fitted[clones] = _fit(learned, symbols, clones, seed)
        surprise[clones] = batch_surprisals(fitted[clones], *numbers(held_out, symbols)).sum()
    progress("choosing the number of clones", len(CLONES), len(CLONES))
    chosen = min(CLONES, key=lambda clones: surprise[clones])
    models = tuple(fitted[clones] for clones in sorted({1, chosen}))
    statistics = Statistics.fit(learned, symbols, models, rng)
    return _calibrate(statistics, chosen, held_out, progress)


def _calibrate(
    statistics: Statistics, clones: int, held_out: Sequence[Sequence[str]], progress: Progress
) -> SequenceDetector:
    values, lengths = _values(statistics, held_out, progress), _log_lengths(held_out)
    alone, surprises = zip(*(UsualValues.fit(column, lengths) for column in values.T), strict=True)
    together, _ = UsualValues.fit(np.sum(surprises, axis=0), np.zeros(len(held_out)))
    return SequenceDetector(statistics, clones, alone, together)


def _values(
    statistics: Statistics, sequences: Sequence[Sequence[str]], progress: Progress
) -> Floats:
    """Return the statistics, shape (n, 6), computed for sequences of similar length at a time."""
    values = np.empty((len(sequences), len(STATISTICS)))
    order = np.argsort([len(sequence) for sequence in sequences], kind="stable")
    parts = np.cumsum([len(sequences[place]) + 1 for place in order]) // _AT_ONCE
    for part in np.unique(parts):
        progress("scoring sequences", int(np.searchsorted(parts, part)), len(sequences))
        places = order[parts == part]
        values[places] = statistics.compute([sequences[place] for place in places])
    progress("scoring sequences", len(sequences), len(sequences))
    return values


def _log_lengths(sequences: Sequence[Sequence[str]]) -> Floats:
    return np.log([len(sequence) + 1.0 for sequence in sequences])


def _fit(
    sequences: Sequence[Sequence[str]], symbols: dict[str, int], clones: int, seed: int
) -> SequenceModel:
    model = ClonedHMM(len(symbols) + 2, clones, n_iter=_ITERATIONS, random_state=seed)
    return smooth(model.fit(*numbers(sequences, symbols)))
