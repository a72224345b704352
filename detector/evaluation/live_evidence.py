"""What a candidate would do with recent commands, beside the active bundle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detector.contracts.decisions import Decision, RiskClass, Verdict
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.verdict import Judgement
from detector.evaluation.playing import play
from detector.evidence.drift import BINS, stability_index
from detector.progress import Progress, silent

__all__ = ["LiveEvidence", "measure"]

#: Share of the events from which the households are only learned: both bundles begin without
#: their habits.
_LEARNED = 0.5


@dataclass(frozen=True, slots=True)
class LiveEvidence:
    """Decisions on recent commands; each counts as meant, so an interruption counts as false.

    Attributes:
        households: the number of households.
        commands: the number of commands that are counted.
        interrupted: by risk class under the candidate, its interruptions and the commands.
        active_interrupted: by the same classes, the active bundle's interruptions.
        drift: the stability index of each evidence term against the candidate's training data;
            ``None`` if the candidate does not contain that distribution.
        active_drift: the same of the active bundle.
    """

    households: int
    commands: int
    interrupted: Mapping[RiskClass, tuple[int, int]]
    active_interrupted: Mapping[RiskClass, int]
    drift: Mapping[str, float] | None
    active_drift: Mapping[str, float] | None = None


class _Bins:
    """Counts a bundle's evidence in the bins of its training data."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle, self._training = bundle, bundle.training
        self._counts = np.zeros((len(bundle.judge.names), BINS + 1))
        self.counting = False

    def add(self, judgement: Judgement) -> None:
        if self.counting and self._training is not None:
            terms = np.arange(len(self._counts))
            self._counts[terms, self._training.bins(judgement.values)] += 1

    def drift(self) -> dict[str, float] | None:
        if self._training is None or not self._counts.any():
            return None
        found = stability_index(self._training.shares, self._counts)
        return {
            name: float(each) for name, each in zip(self._bundle.judge.names, found, strict=True)
        }


def measure(
    events: Sequence[IntentEvent],
    active: Bundle,
    candidate: Bundle,
    *,
    progress: Progress = silent,
) -> LiveEvidence:
    """Let two bundles decide on recent events, and count on the later half of them.

    Args:
        events: the events, in the order of the log.
        active: the bundle that decides now.
        candidate: the bundle that is to decide.
        progress: called with (stage, done, total).
    """
    first = int(_LEARNED * len(events))
    bins = _Bins(active), _Bins(candidate)
    counted: Counter[RiskClass] = Counter()
    interrupted: Counter[RiskClass] = Counter()
    active_interrupted: Counter[RiskClass] = Counter()
    households = set()
    # The events are the same in both: each is decided by both before the next.
    played = zip(
        play(events, active, (), announce=bins[0].add),
        play(events, candidate, (), announce=bins[1].add),
        strict=True,
    )
    for number, ((event, ours), (_, theirs)) in enumerate(played, 1):
        if number % 256 == 0:
            progress("deciding", number, len(events))
        for each in bins:
            each.counting = number >= first
        if not event.commits or number <= first:
            continue
        households.add(event.household_id)
        counted[theirs.risk_class] += 1
        interrupted[theirs.risk_class] += _interrupts(theirs)
        active_interrupted[theirs.risk_class] += _interrupts(ours)
    return LiveEvidence(
        households=len(households),
        commands=counted.total(),
        interrupted={risk: (interrupted[risk], counted[risk]) for risk in counted},
        active_interrupted=dict(active_interrupted),
        drift=bins[1].drift(),
        active_drift=bins[0].drift(),
    )


def _interrupts(decision: Decision) -> bool:
    return decision.verdict is not Verdict.ALLOW
