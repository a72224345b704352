"""Baselines: simple ways to rank commands, measured on the same stream as the judge.

Each score is known before its label, and each baseline adapts to the household as it goes. A user
sees in one table whether the model earns its keep.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from detector.contracts.events import IntentEvent
from detector.evaluation.baseline_boosting import fit_boosting
from detector.evaluation.baseline_counts import Everyone
from detector.evaluation.baseline_features import FEATURES, rows
from detector.evaluation.curves import recall_at
from detector.household.grouping import sessions_by_household
from detector.policy.policy import Policy
from detector.progress import Progress, silent
from detector.simulation.misfires import Mixture

__all__ = ["Comparison", "Ranking", "baselines", "compare"]

#: The baselines that are one feature, by name; higher is rarer.
_SINGLE: Mapping[str, str] = {
    "never seen here": "never_here",
    "frequency here": "frequency_bits",
    "bigram with household prior": "bigram_bits",
    "time of day": "hour_bits",
}
BOOSTING = "gradient boosting on counts"


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well a score ranks misfires above meant commands.

    ``recall`` maps a share of false interruptions to the share of misfires above its threshold.
    """

    name: str
    auroc: float
    recall: Mapping[str, float]


def baselines(
    training: Iterable[IntentEvent],
    events: Sequence[IntentEvent],
    misfires: Collection[str],
    policy: Policy,
    *,
    rates: Sequence[float],
    mixture: Mixture = Mixture(),
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[Ranking, ...]:
    """Measure the baselines on the committing events of a labelled stream.

    Args:
        training: meant events of other households, which priors and booster are fitted to.
        events: the stream, in order of time.
        misfires: ids of its events that were not meant; at least one commits.
        policy: the end of a conversation, and the commands that do harm.
        rates: shares of false interruptions at which recall is measured.
        mixture: the kinds of misfire that the booster learns from.
        seed: seed of the booster and its simulated misfires.
        progress: called with (stage, done, total).

    Raises:
        NotEnoughData: the training stream is too small.
    """
    households = sessions_by_household(training)
    booster = fit_boosting(households, policy, mixture, seed, progress)
    judged = list(rows(events, misfires, Everyone(households), policy.conversations))
    features = np.array([row for _, row in judged])
    truth = np.array([event.event_id in misfires for event, _ in judged])
    scores = {name: features[:, FEATURES.index(column)] for name, column in _SINGLE.items()}
    scores[BOOSTING] = booster.scores(features)
    return tuple(_ranking(name, found, truth, rates) for name, found in scores.items())


def _ranking(
    name: str,
    scores: npt.NDArray[np.float64],
    truth: npt.NDArray[np.bool_],
    rates: Sequence[float],
) -> Ranking:
    return Ranking(
        name,
        round(float(roc_auc_score(truth, scores)), 4),
        {f"{rate:g}": round(recall_at(rate, scores, truth), 4) for rate in rates},
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """The model against the best baseline of each measure.

    ``ahead`` and ``behind`` map a measure (``AUROC``, or a share of false interruptions) to the
    model's value, the best baseline's value and its name. A tie counts as behind: the baseline is
    simpler.
    """

    ahead: Mapping[str, tuple[float, float, str]]
    behind: Mapping[str, tuple[float, float, str]]


def compare(model: Ranking, others: Sequence[Ranking]) -> Comparison:
    """Compare the model with the best of the baselines, measure by measure."""
    ahead, behind = dict[str, tuple[float, float, str]](), dict[str, tuple[float, float, str]]()
    for measure, own in _measures(model).items():
        best = max(others, key=lambda other: _measures(other)[measure])
        found = own, _measures(best)[measure], best.name
        (ahead if own > found[1] else behind)[measure] = found
    return Comparison(ahead, behind)


def _measures(ranking: Ranking) -> dict[str, float]:
    return {"AUROC": ranking.auroc, **ranking.recall}
