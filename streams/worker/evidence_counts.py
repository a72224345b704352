"""Counts the evidence of commands in bins, to compare it with the training data in Prometheus."""

from __future__ import annotations

import numpy as np

from detector.decision.bundle import Bundle
from detector.decision.verdict import Judgement
from detector.evidence.drift import BINS
from streams.telemetry import metrics

__all__ = ["EvidenceByBundle", "EvidenceCounts"]


class EvidenceCounts:
    """Counts evidence in an array and updates the metrics in batches.

    Incrementing a counter for each term would cost as much as judging the command.

    Args:
        bundle: the terms and bins. Nothing is counted if the bundle has no training distribution.
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

    def add(self, judgement: Judgement) -> None:
        """Count the evidence of one command."""
        if self._training is not None:
            self._seen[self._terms, self._training.bins(judgement.values)] += 1

    def report(self) -> None:
        """Add the counts since the last report to the metrics."""
        for (term, place), counter in self._counters.items():
            if self._seen[term, place]:
                counter.inc(int(self._seen[term, place]))
        self._seen[:] = 0


class EvidenceByBundle:
    """Counts the evidence of each bundle that has decided, in that bundle's bins."""

    def __init__(self) -> None:
        self._counts: dict[str, EvidenceCounts] = {}

    def of(self, bundle: Bundle) -> EvidenceCounts:
        """Return the counts of a bundle."""
        found = self._counts.get(bundle.version)
        if found is None:
            found = self._counts[bundle.version] = EvidenceCounts(bundle)
        return found

    def report(self) -> None:
        """Add all counts since the last report to the metrics."""
        for each in self._counts.values():
            each.report()
