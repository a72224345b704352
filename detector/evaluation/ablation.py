"""Ablation: the worth of each evidence term and layer, measured by fitting the judge without it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent
from detector.evaluation.curves import recall_at
from detector.evidence import LAYERS
from detector.household.grouping import sessions_by_household
from detector.policy.policy import Policy
from detector.progress import Each, Progress, one_by_one, silent
from detector.simulation.misfires import Mixture
from detector.training.crossfit import CrossFit, Fold, fit_on
from detector.training.evidence_table import EvidenceTable, committed_moments

__all__ = ["Worth", "ablate"]

#: Shares of false interruptions at which recalls are compared.
_RATES = (0.001, 0.01)


@dataclass(frozen=True, slots=True)
class Worth:
    """Recall without some terms.

    Attributes:
        name: a layer, a term, or ``nothing`` for the judge with all terms.
        terms: number of terms left out.
        recall: recall at 0.1 % and at 1 % false interruptions.
        lost: mean loss of both recalls against the judge with all terms; about zero means that the
            terms are worthless.
    """

    name: str
    terms: int
    recall: tuple[float, float]
    lost: float


def ablate(
    training: Iterable[IntentEvent],
    events: Iterable[IntentEvent],
    misfires: Collection[str],
    policy: Policy,
    *,
    mixture: Mixture = Mixture(),
    seed: int = 0,
    progress: Progress = silent,
    each: Each = one_by_one,
) -> tuple[Worth, ...]:
    """Fit the judge with all terms and without each layer and term, and measure recall.

    Args:
        training: meant events, in order of time.
        events: the labelled stream to measure on.
        misfires: ids of its events that were not meant.
        policy: the policy, for the classes of commands.
        mixture: the kinds of misfire that the judge learns from, and their severity.
        seed: seed of the random starts and of the simulated misfires.
        progress: called with (stage, done, total).
        each: runs the folds and then the judges; the result does not depend on how.

    Raises:
        NotEnoughData: there are too few households, or the stream has no misfires or no meant
            commands.
    """
    work = CrossFit(
        sessions_by_household(training),
        policy,
        mixture,
        seed=seed,
        progress=progress,
        each=each,
    )
    folds = work.folds()
    table = _observed(work, events, frozenset(misfires))
    left_out = [("nothing", frozenset[str]())]
    left_out += [(layer, frozenset(term.name for term in terms)) for layer, terms in LAYERS.items()]
    left_out += [(term.name, frozenset({term.name})) for terms in LAYERS.values() for term in terms]
    found: list[Worth] = []
    progress("judging without terms", 0, len(left_out))
    recalls = each(partial(_recall, folds, table), [without for _, without in left_out])
    for (name, without), recall in zip(left_out, recalls, strict=True):
        whole = found[0].recall if found else recall
        lost = float(np.mean(np.subtract(whole, recall)))
        found.append(Worth(name, len(without), recall, round(lost, 4)))
        progress("judging without terms", len(found), len(left_out))
    return tuple(found)


def _observed(
    work: CrossFit, events: Iterable[IntentEvent], misfires: frozenset[str]
) -> EvidenceTable:
    model, table = work.model(work.households), EvidenceTable()
    for sessions in sessions_by_household(events).values():
        for moment in committed_moments(sessions, model, work.policy, misfires):
            table.add(moment, work.policy, misfire=moment.event.event_id in misfires)
    if not any(table.misfires) or all(table.misfires):
        raise NotEnoughData(
            "the worth of a term is measured on both meant commands and misfires; "
            "use a stream and labels with both"
        )
    return table


def _recall(
    folds: Sequence[Fold], table: EvidenceTable, without: frozenset[str]
) -> tuple[float, float]:
    judge = fit_on(folds, without=without)
    scores: npt.NDArray[np.float64] = np.array([judge.ratio_bits(row) for row in table.values])
    truth = np.array(table.misfires)
    low, high = (round(recall_at(rate, scores, truth), 4) for rate in _RATES)
    return low, high
