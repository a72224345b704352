"""The doctor's recommendation to train again, from the workers' counts and the latest decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np
from prometheus_client.samples import Sample

from detector.decision.bundle import Bundle
from detector.evaluation.drift_report import FEWEST_COMMANDS, drift_of_commands
from detector.evidence.drift import BINS
from streams.operations.findings import Finding

__all__ = ["EvidenceCounts", "evidence_counts", "retraining"]

#: The number of commands by bundle, evidence term and bin.
EvidenceCounts = Counter[tuple[str, str, str]]
_PART = "drift"


def evidence_counts(samples: Iterable[Sample]) -> EvidenceCounts:
    """Return the evidence that a worker has counted since its start."""
    found = EvidenceCounts()
    for each in samples:
        if each.name == "misfire_evidence_total":
            labels = each.labels
            found[labels["bundle"], labels["term"], labels["bin"]] += int(each.value)
    return found


def retraining(
    bundle: Bundle, intents: Mapping[str, int], evidence: EvidenceCounts, now: datetime
) -> Finding:
    """Return whether the bundle should be trained again. It is advice and never a fault.

    Args:
        bundle: the bundle that decides.
        intents: number of the latest commands by intent.
        evidence: the counts of all workers; those of other bundles are ignored.
        now: the present time.
    """
    names = {name: term for term, name in enumerate(bundle.judge.names)}
    counts = np.zeros((len(names), BINS + 1), dtype=np.int64)
    for (version, term, place), number in evidence.items():
        if version == bundle.version and term in names:
            counts[names[term], BINS if place == "missing" else int(place)] += number
    found = drift_of_commands(bundle, intents, counts, now)
    if found.commands < FEWEST_COMMANDS:
        text = (
            f"{found.commands} recent commands are too few to compare with the training data; "
            f"{FEWEST_COMMANDS} are needed"
        )
        return Finding(_PART, True, text)
    measured = f"{found.commands:,} recent commands"
    if found.evidence:
        measured += f" and the evidence of {int(counts.sum(axis=1).max()):,}"
    if not found.reasons:
        return Finding(_PART, True, f"{measured} are like the training data")
    text = (
        f"train again ('misfire train --from-topic'), because of {measured}: "
        f"{'; '.join(found.reasons)}; 'misfire drift' measures it in the log"
    )
    return Finding(_PART, True, text)
