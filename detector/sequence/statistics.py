"""Statistics of a sequence that are high if it is unlike normal sequences, each in its own way.

Attacks differ from normal sequences in order, in counts or in what they consist of, at one place or
throughout, and no single statistic sees all of these. Chandola, Banerjee & Kumar (2012), "Anomaly
detection for discrete sequences: a survey", IEEE TKDE 24(5), compare such statistics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.sequence.batch_surprisals import batch_surprisals
from detector.sequence.neighbours import Neighbours
from detector.sequence.ngram_model import NgramModel
from detector.sequence.sequence_model import SequenceModel

__all__ = ["STATISTICS", "Statistics", "number_symbols", "numbers"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: The statistics and what they measure; each is higher for rarer sequences.
STATISTICS: Mapping[str, str] = {
    "mean": "mean surprisal of a step under the 6-gram model, in bits",
    "window": "highest mean surprisal of 32 successive steps under the 6-gram model, in bits",
    "maximum": "highest surprisal of a step under the mixture of cloned HMMs, in bits",
    "counts": "surprisal of the most surprising number of occurrences of a symbol, in bits",
    "symbols": "distance to the nearest normal sequence by shares of symbols",
    "pairs": "distance to the nearest normal sequence by shares of pairs of symbols",
}
#: The length that Hofmeyr, Forrest & Somayaji (1998), "Intrusion detection using sequences of
#: system calls", found sufficient.
_ORDER = 6
_WINDOW = 32


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """The models of normal sequences that the statistics need.

    Attributes:
        symbols: the number of each known symbol; the next numbers are the end of a sequence and the
            unseen symbol.
        models: the cloned HMMs whose probabilities are averaged at each step.
        ngrams: the 6-gram model.
        occurrences: (n_symbols, n_bins) the number of normal sequences by occurrences of a symbol.
        near: the nearest normal sequences by symbols, and by pairs of symbols.
    """

    symbols: Mapping[str, int]
    models: tuple[SequenceModel, ...]
    ngrams: NgramModel
    occurrences: Floats
    near: tuple[Neighbours, Neighbours]

    @classmethod
    def fit(
        cls,
        sequences: Sequence[Sequence[str]],
        symbols: Mapping[str, int],
        models: tuple[SequenceModel, ...],
        rng: np.random.Generator,
    ) -> Statistics:
        """Learn from normal sequences, given the cloned HMMs fitted to them."""
        flat, sizes = numbers(sequences, symbols)
        n_symbols = len(symbols) + 2
        bins = _bins(_occurrences(flat, sizes, n_symbols))
        occurrences = np.zeros((n_symbols, int(bins.max()) + 1))
        for number in range(n_symbols):
            occurrences[number] = np.bincount(bins[:, number], minlength=occurrences.shape[1])
        return cls(
            symbols,
            models,
            NgramModel.fit(flat, sizes, n_symbols=n_symbols, order=_ORDER),
            occurrences,
            (
                Neighbours.fit(flat, sizes, rng),
                Neighbours.fit(_pairs(flat, sizes, n_symbols), sizes, rng),
            ),
        )

    def compute(self, sequences: Sequence[Sequence[str]]) -> Floats:
        """Return the statistics of the sequences, shape (n, 6), in the order of ``STATISTICS``."""
        flat, sizes = numbers(sequences, self.symbols)
        begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        ngram_bits = self.ngrams.surprisals(flat, sizes)
        likely = np.mean([2.0 ** -batch_surprisals(each, flat, sizes) for each in self.models], 0)
        near_symbols, near_pairs = self.near
        return np.stack(
            [
                np.add.reduceat(ngram_bits, begins) / sizes,
                _windows(ngram_bits, begins, sizes),
                -np.log2(np.minimum.reduceat(likely, begins)),
                self._count_bits(flat, sizes),
                near_symbols.distances(flat, sizes),
                near_pairs.distances(_pairs(flat, sizes, len(self.symbols) + 2), sizes),
            ],
            axis=1,
        )

    def _count_bits(self, flat: Ints, sizes: Ints) -> Floats:
        """Return the bits of the rarest counts; unseen counts have half an observation."""
        table = np.column_stack([self.occurrences, np.zeros(len(self.occurrences))])
        kinds = (table > 0).sum(axis=1, keepdims=True)
        bits = -np.log2((table + 0.5) / (table.sum(axis=1, keepdims=True) + 0.5 * (kinds + 1)))
        bins = _bins(_occurrences(flat, sizes, len(table))).clip(max=table.shape[1] - 1)
        most: Floats = bits[np.arange(len(table)), bins].max(axis=1)
        return most


def number_symbols(sequences: Sequence[Sequence[str]]) -> dict[str, int]:
    """Number the symbols by first occurrence, so that their names do not matter."""
    return {
        symbol: number
        for number, symbol in enumerate(dict.fromkeys(each for one in sequences for each in one))
    }


def numbers(sequences: Sequence[Sequence[str]], symbols: Mapping[str, int]) -> tuple[Ints, Ints]:
    """Return the sequences' symbols, each sequence with its end, and their sizes."""
    end, unseen = len(symbols), len(symbols) + 1
    flat = [
        number
        for sequence in sequences
        for number in [*(symbols.get(symbol, unseen) for symbol in sequence), end]
    ]
    return np.array(flat, dtype=np.int64), np.array([len(one) + 1 for one in sequences])


def _pairs(flat: Ints, sizes: Ints, n_symbols: int) -> Ints:
    """Return a code for each event's preceding symbol and its own."""
    previous = np.concatenate([[n_symbols], flat[:-1]])
    previous[np.cumsum(sizes)[:-1]] = n_symbols
    return previous * (n_symbols + 1) + flat


def _windows(bits: Floats, begins: Ints, sizes: Ints) -> Floats:
    """Return the highest mean of successive bits of each sequence."""
    sums = np.concatenate([[0.0], np.cumsum(bits)])
    highest = np.empty(len(sizes))
    for place, (begin, size) in enumerate(zip(begins.tolist(), sizes.tolist(), strict=True)):
        width = min(_WINDOW, size)
        inside = sums[begin : begin + size + 1]
        highest[place] = (inside[width:] - inside[:-width]).max() / width
    return highest


def _occurrences(flat: Ints, sizes: Ints, n_symbols: int) -> Ints:
    rows = np.repeat(np.arange(len(sizes)), sizes)
    found = np.bincount(rows * n_symbols + flat, minlength=len(sizes) * n_symbols)
    return found.reshape(len(sizes), n_symbols)


def _bins(occurrences: Ints) -> Ints:
    """Number up to four occurrences exactly, and more in steps of half an octave."""
    steps = np.floor(2.0 * np.log2(np.maximum(occurrences, 1))) + 1.0
    return np.where(occurrences <= 4, occurrences, steps).astype(np.int64)
