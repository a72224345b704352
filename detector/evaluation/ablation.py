"""What each evidence term, and each layer of terms, is worth: the judge is fitted again without it."""

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

#: Shares of false interruptions at which recall is compared.
_RATES = (0.001, 0.01)


@dataclass(frozen=True, slots=True)
class Worth:
    """Recall at 0.1 % and at 1 % false interruptions without some terms: ``name`` is a layer's, a term's or ``nothing``.

    ``lost`` is the mean of what both are lower than with all terms; higher is worth more, and about zero is worth nothing.
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
    """Fit the judge with all terms, then without each layer and each term, and measure each on a labelled stream.

    Args:
        training: what households meant, in order of time.
        events: the stream to measure on.
        misfires: ids of its events that nobody meant.
        policy: what commands are worth.
        mixture: the kinds of misfire that the judge learns from, and how severe they are.
        seed: of the random starts and of the simulated misfires.
        progress: called with (stage, done, total) as the work goes on.
        each: does the folds, and then the judges; the figures do not depend on how.

    Raises:
        NotEnoughData: too few households, or the stream holds no misfire, or nothing else.
    """
    work = CrossFit(sessions_by_household(training), policy, mixture, seed, progress, each)
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
            "what a term is worth is measured on commands that were meant and on others that were not; "
            "give a stream and labels with both"
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
