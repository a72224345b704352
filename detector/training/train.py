"""Training: from a stream of meant events to a bundle.

Calibration scores come from models and judges that have not seen the scored households
(cross-conformal prediction, Vovk 2015, Ann. Math. Artif. Intell. 74). The bundle's own model and
judge are fitted to everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle, make_bundle
from detector.decision.training_report import FromLog
from detector.evidence.drift import fit_distribution
from detector.household.grouping import sessions_by_household
from detector.judge.calibration import Calibration
from detector.judge.judge import Judge
from detector.policy.policy import Policy
from detector.progress import Each, Progress, one_by_one, silent
from detector.simulation.misfires import Mixture
from detector.training.crossfit import CrossFit, Fold, fit_on
from detector.training.evidence_table import EvidenceTable
from detector.training.rare_names import FEWEST_HOUSEHOLDS
from detector.training.readiness import HeldOut
from detector.training.training_report import describe, training_report

__all__ = ["Trained", "train"]

#: Judges that produce calibration scores, each fitted without every third fold. Fitting a judge
#: takes longer than fitting all models.
_JUDGES = 3


@dataclass(frozen=True, slots=True)
class Trained:
    """A bundle, and chains that its judges have not seen, some of them simulated misfires."""

    bundle: Bundle
    held_out: tuple[HeldOut, ...]


def train(
    events: Iterable[IntentEvent],
    policy: Policy,
    *,
    mixture: Mixture = Mixture(),
    fewest: int = FEWEST_HOUSEHOLDS,
    seed: int = 0,
    source: str = "not stated",
    log: FromLog | None = None,
    progress: Progress = silent,
    each: Each = one_by_one,
) -> Trained:
    """Train a bundle.

    Args:
        events: meant events of all households, in order of time.
        policy: the policy of the bundle.
        mixture: the kinds of misfire that the judge learns from, and their severity.
        fewest: names of intents and slots that fewer households use are not learned.
        seed: seed of the random starts and of the simulated misfires; the same seed gives the same
            bundle.
        source: where the events come from, for the training report.
        log: what was read from the log, for the training report.
        progress: called with (stage, done, total).
        each: runs the folds and then the judges; the bundle does not depend on how.

    Raises:
        NotEnoughData: there are too few households or commands; the message says how many are
            needed.
    """
    # Names that are too rare to learn stay in the stream: unknown names are meant as often here as
    # they are in use, and the judge must see that.
    events = list(events)
    households = sessions_by_household(events)
    work = CrossFit(households, policy, mixture, fewest, seed, progress, each)
    folds = work.folds()
    work.progress("fitting judges", 0, _JUDGES + 1)
    judged: list[_Judged] = []
    for found in work.each(partial(_judged, work.alone(), folds), range(_JUDGES + 1)):
        judged.append(found)
        work.progress("fitting judges", len(judged), _JUDGES + 1)
    *calibrating, last = judged
    calibration = _calibration(calibrating)
    held_out = tuple(chain for each in calibrating for chain in each.held_out)
    data = describe(events, mixture, source=source, seed=seed, fewest=fewest, log=log)
    bundle = make_bundle(
        work.model(households),
        last.judge,
        calibration,
        policy,
        report=training_report(data, held_out, calibration, policy),
        training=fit_distribution([row for each in calibrating for row in each.meant.values]),
    )
    return Trained(bundle, held_out)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A judge, the evidence of the meant commands that it has not seen, and their scores.

    ``held_out`` are chains of the same households, some of them simulated misfires.
    """

    judge: Judge
    meant: EvidenceTable
    scores: list[float]
    held_out: list[HeldOut]


def _judged(work: CrossFit, folds: Sequence[Fold], number: int) -> _Judged:
    """Fit a judge without every third fold, and score the meant commands of these folds.

    The last judge is fitted to everything and scores nothing.
    """
    last = number == _JUDGES
    judge = fit_on([fold for place, fold in enumerate(folds) if last or place % _JUDGES != number])
    table = EvidenceTable()
    unseen = [] if last else folds[number::_JUDGES]
    for fold in unseen:
        for moment in work.clean(fold):
            table.add(moment, work.policy, misfire=False)
    held_out = [
        HeldOut(category, ratio, misfire, harm)
        for fold in unseen
        for category, ratio, misfire, harm in zip(
            fold.corrupted.categories,
            _ratios(judge, fold.corrupted),
            fold.corrupted.misfires,
            fold.corrupted.harms,
            strict=True,
        )
    ]
    return _Judged(judge, table, _ratios(judge, table), held_out)


def _ratios(judge: Judge, table: EvidenceTable) -> list[float]:
    if not table.values:
        return []
    ratios: list[float] = judge.ratios_bits(np.array(table.values)).tolist()
    return ratios


def _calibration(judged: Sequence[_Judged]) -> Calibration:
    scored = [
        pair for each in judged for pair in zip(each.meant.categories, each.scores, strict=True)
    ]
    categories = sorted({category for category, _ in scored})
    return Calibration(
        {
            category: np.sort([score for found, score in scored if found == category])
            for category in categories
        }
    )
