"""From a stream of meant events to a bundle.

Calibration scores come from models and judges that did not see their households (cross-conformal prediction, Vovk 2015,
Ann. Math. Artif. Intell. 74); the bundle's own model and judge then see everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from detector.bundle import Bundle, make_bundle
from detector.calibration import Calibration, Category
from detector.corpus import EvidenceTable, sessions_by_household
from detector.crossfit import CrossFit, Fold, fit_on
from detector.drift import Distribution, fit_distribution
from detector.events import IntentEvent
from detector.misfires import Mixture
from detector.policy import Policy
from detector.progress import Progress, silent

__all__ = ["train"]

#: Judges that calibration scores come from, each fitted without every third fold: fitting one takes longer than all models together.
_JUDGES = 3


def train(
    events: Iterable[IntentEvent],
    policy: Policy,
    *,
    mixture: Mixture = Mixture(),
    seed: int = 0,
    progress: Progress = silent,
) -> Bundle:
    """Train a bundle.

    Args:
        events: what households meant, in order of time.
        policy: the policy that goes into the bundle.
        mixture: the kinds of misfire that the judge learns from, and how severe they are.
        seed: of the random starts and of the simulated misfires; the same seed gives the same bundle.
        progress: called with (stage, done, total) as the work goes on.

    Raises:
        NotEnoughData: there are too few households or commands; the message says how many it takes.
    """
    households = sessions_by_household(events)
    work = CrossFit(households, policy, mixture, seed, progress)
    folds = work.folds()
    calibration, training = _calibrate(work, folds)
    judge = fit_on(folds)
    progress("fitting judges", _JUDGES + 1, _JUDGES + 1)
    return make_bundle(work.model(households), judge, calibration, policy, training)


def _calibrate(work: CrossFit, folds: Sequence[Fold]) -> tuple[Calibration, Distribution]:
    """Score each fold's meant commands with a judge that did not see the fold; also return how their evidence is distributed."""
    meant: list[npt.NDArray[np.float64]] = []
    scored: list[tuple[Category, float]] = []
    for number in range(_JUDGES):
        work.progress("fitting judges", number, _JUDGES + 1)
        judge = fit_on([fold for place, fold in enumerate(folds) if place % _JUDGES != number])
        for fold in folds[number::_JUDGES]:
            table = EvidenceTable()
            for moment in work.clean(fold):
                table.add(moment, work.policy, misfire=False)
            meant += table.values
            scored += zip(table.categories, map(judge.ratio_bits, table.values), strict=True)
    work.progress("fitting judges", _JUDGES, _JUDGES + 1)
    categories = sorted({category for category, _ in scored})
    calibration = Calibration(
        {
            category: np.sort([score for found, score in scored if found == category])
            for category in categories
        }
    )
    return calibration, fit_distribution(meant)
