"""How well the scores of sequences separate abnormal ones from normal ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from detector.contracts.errors import InvalidValue

__all__ = ["SequenceReport", "f1_score", "report_on"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SequenceReport:
    """How well scores separate normal sequences (label 0) from abnormal ones (label 1).

    ``false_alarms_at_90`` is the share of normal sequences that are reported at 90 % detection.
    """

    sequences: int
    abnormal: int
    auroc: float
    false_alarms_at_90: float


def report_on(scores: Floats, labels: Sequence[int]) -> SequenceReport:
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
    )


def f1_score(found: float, false_alarms: float, *, abnormal: int, normal: int) -> float:
    """Return F1 for the shares of found abnormal sequences and of false alarms.

    ``abnormal`` and ``normal`` are the numbers of sequences, which give the base rate.

    >>> f1_score(1.0, 0.0, abnormal=10, normal=1000)
    1.0
    """
    hits, alarms = found * abnormal, false_alarms * normal
    return 2.0 * hits / (hits + alarms + abnormal)
