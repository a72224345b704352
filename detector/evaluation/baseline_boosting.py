"""Gradient boosting on counts: what a good engineer would build in a day instead of the judge.

It learns from the same training stream and the same simulated misfires as the judge, by folds of
households, so that the counts of all households do not contain the household that is learned from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.evaluation.baseline_counts import Everyone
from detector.evaluation.baseline_features import rows
from detector.policy.policy import Policy
from detector.progress import Progress
from detector.simulation.misfires import ChainLibrary, Mixture, inject
from detector.training.crossfit import EARLY_RATE, WARM

__all__ = ["BoostedCounts", "fit_boosting"]

Floats = npt.NDArray[np.float64]
Households = Mapping[str, Sequence[Sequence[IntentEvent]]]

_FOLDS, _COPIES = 3, 3


class BoostedCounts:
    """A booster over the features of ``baseline_features``."""

    def __init__(self, booster: HistGradientBoostingClassifier) -> None:
        self._booster = booster

    def scores(self, features: Floats) -> Floats:
        """Return the log-odds of a misfire for (n, F) features, (n,)."""
        found: Floats = self._booster.decision_function(features)
        return found


def fit_boosting(
    households: Households,
    policy: Policy,
    mixture: Mixture,
    seed: int,
    progress: Progress,
) -> BoostedCounts:
    """Fit the booster to the sessions of households, with simulated misfires.

    Args:
        households: the meant sessions of each household, in order.
        policy: the end of a conversation, and the commands that do harm.
        mixture: the kinds of misfire, their shares and severity.
        seed: seed of the folds, the misfires and the fit.
        progress: called with (stage, done, total).

    Raises:
        NotEnoughData: the households have no commands, or no misfire could be simulated.
    """
    features: list[Floats] = []
    truth: list[bool] = []
    for done, (event_rows, misfires) in enumerate(_folds(households, policy, mixture, seed)):
        progress("counting for the baselines", done, _FOLDS * _COPIES)
        for event, row in event_rows:
            features.append(row)
            truth.append(event.event_id in misfires)
    if not any(truth) or all(truth):
        raise NotEnoughData(
            "the baselines are fitted to both meant commands and simulated misfires; give "
            "--baselines a stream with more commands"
        )
    booster = HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=40,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(1, user_api="openmp"):
        booster.fit(np.array(features), np.array(truth))
    progress("counting for the baselines", _FOLDS * _COPIES, _FOLDS * _COPIES)
    return BoostedCounts(booster)


def _folds(
    households: Households, policy: Policy, mixture: Mixture, seed: int
) -> Iterator[tuple[Iterator[tuple[IntentEvent, Floats]], frozenset[str]]]:
    """Yield the rows of each fold and copy with misfires, and the ids of the misfires."""
    names = [
        list(households)[place]
        for place in np.random.default_rng(seed).permutation(len(households))
    ]
    for fold in range(_FOLDS):
        inside = names[fold::_FOLDS]
        others = {name: each for name, each in households.items() if name not in set(inside)}
        everyone = Everyone(others)
        library = ChainLibrary.from_sessions(others, is_risky=policy.is_harmful)
        for copy in range(_COPIES):
            events, misfires = list[IntentEvent](), set[str]()
            for name in inside:
                rng = np.random.default_rng([seed, copy, *name.encode()])
                for session in inject(
                    households[name],
                    library,
                    rng,
                    mixture=mixture,
                    warm=WARM,
                    early_rate=EARLY_RATE,
                ):
                    events += session.events
                    labelled = zip(session.events, session.labels, strict=True)
                    misfires |= {event.event_id for event, label in labelled if label is not None}
            events.sort(key=lambda event: event.seconds)
            yield rows(events, misfires, everyone, policy.conversations), frozenset(misfires)
