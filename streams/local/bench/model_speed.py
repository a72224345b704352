"""Measures speed beside hmmlearn in the same run, so that the ratios hold on a noisy machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from hmmlearn.hmm import CategoricalHMM

from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.evidence import evidence
from detector.household.grouping import sessions_by_household
from detector.household.state import HouseholdState
from detector.population.model import perplexity
from detector.population.vocabulary import Vocabulary
from detector.sequence.hmmlearn_reference import as_categorical_hmm
from detector.training.evidence_table import committed_moments
from detector.training.fit_model import CLONES, ITERATIONS, fit_model

__all__ = ["StepBench", "TrainBench", "bench_step", "bench_train"]

#: Added to hmmlearn's probabilities: an unseen symbol would make its perplexity infinite.
_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class TrainBench:
    """Fitting times in seconds, and perplexities on the test stream, of both models."""

    events: int
    clones: int
    iterations: int
    seconds: float
    perplexity: float
    states: int
    hmmlearn_iterations: int
    hmmlearn_seconds: float
    hmmlearn_perplexity: float
    times_faster: float


@dataclass(frozen=True, slots=True)
class StepBench:
    """Microseconds for one event, p50 and p99.

    Attributes:
        plain: the whole pipeline for an event that commits nothing.
        committing: the whole pipeline for a committing event.
        judge: the judge alone.
        same: hmmlearn with the same matrices, scoring the session again (p50).
        small: hmmlearn with 64 states, a much worse model (p50).
        times_faster: ``same`` relative to the pipeline's p50 over all events.
        times_faster_small: the same for ``small``.
    """

    events: int
    commands: int
    plain: float
    plain_p99: float
    committing: float
    committing_p99: float
    judge: float
    judge_p99: float
    same: float
    small: float
    times_faster: float
    times_faster_small: float


def bench_train(
    train: Sequence[IntentEvent], test: Sequence[IntentEvent], *, states: int, iterations: int
) -> TrainBench:
    """Fit both models to ``train`` and score them on ``test``."""
    fitted, tested = _sessions(train), _sessions(test)
    begun = perf_counter()
    model = fit_model(fitted)
    seconds = perf_counter() - begun
    vocabulary = model.vocabulary
    reference = CategoricalHMM(
        states, n_iter=iterations, tol=0.0, random_state=0, n_features=vocabulary.size
    )
    symbols, lengths = _symbols(fitted, vocabulary)
    begun = perf_counter()
    reference.fit(symbols, lengths)
    theirs = perf_counter() - begun
    reference.emissionprob_ = _raised(reference.emissionprob_)
    reference.transmat_ = _raised(reference.transmat_)
    symbols, lengths = _symbols(tested, vocabulary)
    return TrainBench(
        events=len(train),
        clones=CLONES,
        iterations=ITERATIONS,
        seconds=round(seconds, 2),
        perplexity=round(perplexity(model, tested), 3),
        states=states,
        hmmlearn_iterations=iterations,
        hmmlearn_seconds=round(theirs, 2),
        hmmlearn_perplexity=round(
            float(np.exp(-reference.score(symbols, lengths) / len(symbols))), 3
        ),
        times_faster=round(theirs / seconds, 1),
    )


def bench_step(events: Sequence[IntentEvent], bundle: Bundle) -> StepBench:
    """Time each event in the pipeline, each command's evidence in the judge, and hmmlearn."""
    states: dict[str, HouseholdState] = {}
    plain: list[float] = []
    committing: list[float] = []
    for event in events:
        state = states.get(event.household_id) or HouseholdState.new(event.household_id)
        begun = perf_counter()
        _, states[event.household_id] = decide(state, event, bundle, at=event.seconds)
        (committing if event.commits else plain).append(perf_counter() - begun)
    every = [*plain, *committing]
    judging = [_timed(bundle.judge.ratio_bits, values) for values in _evidence(events, bundle)]
    same, small = _rescoring(events, bundle)
    return StepBench(
        events=len(events),
        commands=len(judging),
        plain=_micro(plain),
        plain_p99=_micro(plain, 99),
        committing=_micro(committing),
        committing_p99=_micro(committing, 99),
        judge=_micro(judging),
        judge_p99=_micro(judging, 99),
        same=same,
        small=small,
        times_faster=round(same / _micro(every), 1),
        times_faster_small=round(small / _micro(every), 1),
    )


def _evidence(events: Sequence[IntentEvent], bundle: Bundle) -> list[np.typing.NDArray[np.float64]]:
    return [
        evidence(moment)
        for sessions in sessions_by_household(events).values()
        for moment in committed_moments(sessions, bundle.model, bundle.policy)
    ]


def _rescoring(events: Sequence[IntentEvent], bundle: Bundle) -> tuple[float, float]:
    """Time hmmlearn on each event's session so far, with the same matrices and with 64 states.

    Return the p50 of each in microseconds.
    """
    vocabulary = bundle.model.vocabulary
    same, small = as_categorical_hmm(bundle.model.sequence), _small(vocabulary.size)
    heard: dict[tuple[str, str], list[int]] = {}
    with_same: list[float] = []
    with_small: list[float] = []
    for number, event in enumerate(events):
        session = heard.setdefault((event.household_id, event.session_id), [])
        session.append(vocabulary.index(event.intent, event.act))
        column = np.array(session)[:, None]
        with_small.append(_timed(small.score, column))
        if number % 50 == 0:  # with the same matrices a step takes a tenth of a second
            with_same.append(_timed(same.score, column))
    return _micro(with_same), _micro(with_small)


def _sessions(events: Sequence[IntentEvent]) -> list[list[IntentEvent]]:
    return [session for sessions in sessions_by_household(events).values() for session in sessions]


def _symbols(
    sessions: Sequence[Sequence[IntentEvent]], vocabulary: Vocabulary
) -> tuple[np.typing.NDArray[np.int64], list[int]]:
    found = [vocabulary.index(event.intent, event.act) for session in sessions for event in session]
    return np.array(found)[:, None], [len(session) for session in sessions]


def _raised(rows: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float64]:
    raised: np.typing.NDArray[np.float64] = (rows + _FLOOR) / (rows + _FLOOR).sum(
        axis=1, keepdims=True
    )
    return raised


def _small(symbols: int, states: int = 64) -> CategoricalHMM:
    """Return a random hmmlearn model of 64 states; its parameters do not affect its speed."""
    rng = np.random.default_rng(0)
    model = CategoricalHMM(states, n_features=symbols)
    model.startprob_ = rng.dirichlet(np.ones(states))
    model.transmat_ = rng.dirichlet(np.ones(states), states)
    model.emissionprob_ = rng.dirichlet(np.ones(symbols), states)
    return model


def _timed(work: Callable[[Any], object], value: object) -> float:
    begun = perf_counter()
    work(value)
    return perf_counter() - begun


def _micro(seconds: Sequence[float], percentile: float = 50) -> float:
    return round(1e6 * float(np.percentile(seconds, percentile)), 1) if seconds else 0.0
