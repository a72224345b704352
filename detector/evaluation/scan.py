"""Scanning an unlabelled stream for the chains that are most likely misfires.

A scan needs no labels and no bundle. It learns from the stream in folds, and judges every chain by
a model that has not seen its household.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import Expected, Reason
from detector.contracts.events import IntentEvent
from detector.decision.reasons import expected_instead, reasons_for
from detector.evidence import Moment, evidence
from detector.household.grouping import sessions_by_household
from detector.judge.judge import Judge, misfire_probability
from detector.policy.policy import Policy
from detector.population.model import Model
from detector.progress import Each, Progress, one_by_one, silent
from detector.training.crossfit import CrossFit, Fold, fit_on

__all__ = ["Finding", "Scan", "Step", "scan"]


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a chain and its surprisal in bits; higher is rarer."""

    intent: str
    act: str
    bits: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A chain that is most likely a misfire.

    ``ratio_bits`` is the log-likelihood ratio of misfire to meant, in bits. ``p_value`` is the
    share of the stream's commands with at least this ratio.
    """

    household_id: str
    session_id: str
    event_id: str
    time: datetime
    intent: str
    ratio_bits: float
    misfire_probability: float
    p_value: float
    steps: tuple[Step, ...]
    expected: tuple[Expected, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """The result of a scan of ``commands`` committing events, with the worst findings first.

    ``touched`` is the share of commands that the policy would have interrupted under ``budget``.
    """

    events: int
    households: int
    commands: int
    budget: float
    touched: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Scored:
    moment: Moment
    fold: Fold
    judge: Judge
    ratio_bits: float


def scan(
    events: Iterable[IntentEvent],
    policy: Policy,
    *,
    top: int = 20,
    budget: float = 0.01,
    seed: int = 0,
    progress: Progress = silent,
    each: Each = one_by_one,
) -> Scan:
    """Find the chains of a stream that are most likely misfires.

    Args:
        events: the stream, in order of time.
        policy: the policy that supplies base rate and costs.
        top: the largest number of findings.
        budget: share of commands that may be interrupted, over all classes.
        seed: seed of the folds and of the simulated misfires that the judge learns from.
        progress: called with (stage, done, total).
        each: runs the folds and then the judges; the result does not depend on how.

    Raises:
        NotEnoughData: there are too few households or commands; the message says how many are
            needed.
    """
    events = list(events)
    work = CrossFit(sessions_by_household(events), policy, seed=seed, progress=progress, each=each)
    scored = _scored(work)
    bits = np.sort([chain.ratio_bits for chain in scored])
    worst = sorted(scored, key=lambda chain: (-chain.ratio_bits, chain.moment.event.event_id))
    touched = sum(_touched(chain, bits, policy, budget) for chain in scored) / len(scored)
    return Scan(
        events=len(events),
        households=len(work.households),
        commands=len(scored),
        budget=budget,
        touched=round(touched, 5),
        findings=tuple(_finding(chain, bits, policy) for chain in worst[:top]),
    )


def _scored(work: CrossFit) -> list[_Scored]:
    folds = work.folds()
    judges = work.each(partial(_judge, folds), range(len(folds)))
    return [
        _Scored(moment, fold, judge, judge.ratio_bits(evidence(moment)))
        for fold, judge in zip(folds, judges, strict=True)
        for moment in work.clean(fold)
    ]


def _judge(folds: Sequence[Fold], number: int) -> Judge:
    """Fit a judge to all folds except one."""
    return fit_on([fold for place, fold in enumerate(folds) if place != number])


def _p_value(ratio_bits: float, ascending: npt.NDArray[np.float64]) -> float:
    """Return the share of chains with at least this ratio, including this one."""
    return float(len(ascending) - np.searchsorted(ascending, ratio_bits, side="left")) / len(
        ascending
    )


def _touched(
    chain: _Scored, ascending: npt.NDArray[np.float64], policy: Policy, budget: float
) -> bool:
    risk = policy.risk_class(chain.moment.event.intent)
    verdict = policy.rule(risk, misfire_probability(chain.ratio_bits, policy.base_rate)).verdict
    return verdict != "allow" and _p_value(chain.ratio_bits, ascending) <= budget


def _finding(chain: _Scored, ascending: npt.NDArray[np.float64], policy: Policy) -> Finding:
    moment, model = chain.moment, chain.fold.model
    values = evidence(moment)
    session, opened = moment.session, moment.chain
    steps = zip(session.intents[::-1], session.symbols[::-1], opened.bits[::-1], strict=False)
    return Finding(
        household_id=moment.event.household_id,
        session_id=moment.event.session_id,
        event_id=moment.event.event_id,
        time=moment.event.time,
        intent=moment.event.intent,
        ratio_bits=round(chain.ratio_bits, 4),
        misfire_probability=round(misfire_probability(chain.ratio_bits, policy.base_rate), 6),
        p_value=round(_p_value(chain.ratio_bits, ascending), 6),
        steps=tuple(
            Step(intent, _act(model, symbol), round(bits, 3)) for intent, symbol, bits in steps
        )[::-1],
        expected=expected_instead(model, session, opened.bits),
        reasons=reasons_for(moment, values, chain.judge.contributions(values)),
    )


def _act(model: Model, symbol: int) -> str:
    return model.vocabulary.symbols[symbol][1] if symbol < model.vocabulary.unseen else "unseen"
