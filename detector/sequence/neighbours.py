"""The distance from a sequence to the nearest of some normal sequences, by what they contain.

The distance is the squared Hellinger distance (Hellinger 1909) between the two sequences' shares of
symbols, or of pairs of successive symbols. Liao & Vemuri (2002), "Use of k-nearest neighbor
classifier for intrusion detection", Computers & Security 21(5), compare system calls in this way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array  # type: ignore[import-untyped]

__all__ = ["Neighbours"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Normal sequences that are kept, so that a distance takes constant time.
_MOST_KEPT = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Normal sequences as shares of codes.

    Attributes:
        codes: (n_codes,) the known codes, ascending.
        roots: (n_codes, n_sequences) sparse; the square root of each code's share of a sequence.
    """

    codes: Ints
    roots: csr_array

    @classmethod
    def fit(cls, codes: Ints, sizes: Ints, rng: np.random.Generator) -> Neighbours:
        """Keep normal sequences.

        Args:
            codes: (n_events,) one code per event, one sequence after the other.
            sizes: (n_sequences,) the lengths of the sequences, each at least 1.
            rng: selects the kept sequences if there are more than 2,000.
        """
        known = np.unique(codes)
        contents = np.split(codes, np.cumsum(sizes)[:-1])
        distinct = {np.sort(each).tobytes(): place for place, each in enumerate(contents)}
        kept = np.array(list(distinct.values()))
        if len(kept) > _MOST_KEPT:
            kept = rng.choice(kept, _MOST_KEPT, replace=False)
        return cls(known, _roots(known, codes, sizes)[kept].T.tocsr())

    def distances(self, codes: Ints, sizes: Ints) -> Floats:
        """Return each sequence's distance to the nearest normal one, shape (n_sequences,).

        The distances are in [0, 1]; higher is rarer. The share of unknown codes agrees with no
        normal sequence.
        """
        affinities = (_roots(self.codes, codes, sizes) @ self.roots).toarray()
        nearest: Floats = 1.0 - affinities.max(axis=1)
        return nearest.clip(0.0, 1.0)


def _roots(known: Ints, codes: Ints, sizes: Ints) -> csr_array:
    """Return the square roots of the shares of known codes, sparse (n_sequences, n_codes)."""
    columns = np.searchsorted(known, codes).clip(max=len(known) - 1)
    seen = known[columns] == codes
    rows = np.repeat(np.arange(len(sizes)), sizes)
    shares = csr_array(
        ((1.0 / sizes)[rows[seen]], (rows[seen], columns[seen])), shape=(len(sizes), len(known))
    )
    shares.sum_duplicates()
    return shares.sqrt()
