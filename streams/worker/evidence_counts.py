"""The evidence of commands as counts per bin, for Prometheus to compare with the training data's."""

from __future__ import annotations

import numpy as np

from detector.decision.bundle import Bundle
from detector.decision.verdict import Judgement
from detector.evidence.drift import BINS
from streams.telemetry import metrics

__all__ = ["EvidenceCounts"]


class EvidenceCounts:
    """Counts in an array as commands are judged, and moves the metrics when told to: a counter for each term costs as much as judging.

    Args:
        bundle: whose terms and bins; one without the training data's distribution counts nothing.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._training = bundle.training
        names = bundle.judge.names
        self._terms = np.arange(len(names))
        self._seen = np.zeros((len(names), BINS + 1), dtype=np.int64)
        self._counters = {}
        if bundle.training is None:
            return
        for term, name in enumerate(names):
            for place in (*range(int(np.isfinite(bundle.training.edges[term]).sum()) + 1), BINS):
                labels = (name, "missing" if place == BINS else str(place), bundle.version)
                self._counters[term, place] = metrics.EVIDENCE.labels(*labels)
                metrics.EVIDENCE_EXPECTED.labels(*labels).set(bundle.training.shares[term, place])

    def saw(self, judgement: Judgement) -> None:
        """Take in the evidence of one command."""
        if self._training is not None:
            self._seen[self._terms, self._training.bins(judgement.values)] += 1

    def report(self) -> None:
        """Move the counters by what was seen since."""
        for (term, place), counter in self._counters.items():
            if self._seen[term, place]:
                counter.inc(int(self._seen[term, place]))
        self._seen[:] = 0
