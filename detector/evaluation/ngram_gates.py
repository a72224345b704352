"""Baselines: n-gram gates that confirm surprising commands. The judge is compared with them.

The gates have every advantage: their thresholds come from the meant commands of the test stream.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np

from detector.contracts.decisions import Decision, RiskClass, Verdict
from detector.contracts.events import IntentEvent
from detector.household.grouping import sessions_by_household
from detector.policy.policy import Policy

__all__ = ["GATES", "Ngram", "ngram_gates", "ngram_scores"]

Symbol = tuple[str, str]

#: The gates and the length of their n-grams.
GATES: Mapping[str, int] = {"bigram gate": 2, "order-2 Markov gate": 3}


class Ngram:
    """An n-gram model over (intent, act).

    It backs off by Witten & Bell 1991, method C, down to a uniform distribution.

    Args:
        order: length of the n-grams; 2 is a bigram.
        sequences: the training data.
    """

    def __init__(self, order: int, sequences: Iterable[Sequence[Symbol]]) -> None:
        self._order = order
        self._counts: defaultdict[tuple[Symbol, ...], Counter[Symbol]] = defaultdict(Counter)
        for sequence in sequences:
            for place, symbol in enumerate(sequence):
                for length in range(order):
                    self._counts[_context(sequence, place, length)][symbol] += 1

    def surprisals(self, sequence: Sequence[Symbol]) -> list[float]:
        """Return the surprisal of each symbol of a sequence in bits; higher is rarer."""
        return [-math.log2(self._probability(sequence, place)) for place in range(len(sequence))]

    def _probability(self, sequence: Sequence[Symbol], place: int) -> float:
        found = 1.0 / (len(self._counts[()]) + 1)
        for length in range(self._order):
            counts = self._counts.get(_context(sequence, place, length))
            if counts:
                total, kinds = counts.total(), len(counts)
                found = (counts[sequence[place]] + kinds * found) / (total + kinds)
        return found


#: The symbol before a session.
_BEGIN: Symbol = ("", "")


def _context(sequence: Sequence[Symbol], place: int, length: int) -> tuple[Symbol, ...]:
    before = tuple(sequence[max(place - length, 0) : place])
    return (_BEGIN,) * (length - len(before)) + before


def ngram_scores(
    events: Sequence[IntentEvent], misfires: Collection[str]
) -> dict[str, dict[str, float]]:
    """Return the scores of committing events by gate and event id, in bits; higher is rarer.

    The score is the largest surprisal of a turn since the session's previous command. The n-gram
    model is trained on the meant events of the other half of the households.

    Args:
        events: the stream.
        misfires: ids of the events that were not meant.
    """
    return {name: _scores(events, misfires, order) for name, order in GATES.items()}


def ngram_gates(
    scores: Mapping[str, Mapping[str, float]], meant: Iterable[Decision], policy: Policy
) -> dict[str, Callable[[Decision], Verdict]]:
    """Return each gate as a decision rule that confirms above a threshold, by name.

    The threshold of each risk class interrupts the share of meant commands in its budget.

    Args:
        scores: the result of ``ngram_scores``.
        meant: the decisions on the stream's meant commands.
        policy: the policy that supplies the budgets.
    """
    by_risk: defaultdict[RiskClass, list[str]] = defaultdict(list)
    for decision in meant:
        by_risk[decision.risk_class].append(decision.event_id)
    return {name: _gate(found, by_risk, policy) for name, found in scores.items()}


def _gate(
    scores: Mapping[str, float], meant: Mapping[RiskClass, Sequence[str]], policy: Policy
) -> Callable[[Decision], Verdict]:
    thresholds = {
        risk: float(
            np.quantile(
                [scores[event] for event in events],
                1.0 - policy.classes[risk].budget,
                method="higher",
            )
        )
        for risk, events in meant.items()
    }
    return lambda decision: (
        Verdict.CONFIRM
        if scores[decision.event_id] > thresholds.get(decision.risk_class, math.inf)
        else Verdict.ALLOW
    )


def _scores(
    events: Sequence[IntentEvent], misfires: Collection[str], order: int
) -> dict[str, float]:
    households = list(sessions_by_household(events).values())
    found: dict[str, float] = {}
    for half in (0, 1):
        meant = (
            [_symbol(event) for event in session if event.event_id not in misfires]
            for sessions in households[1 - half :: 2]
            for session in sessions
        )
        model = Ngram(order, meant)
        for sessions in households[half::2]:
            for session in sessions:
                found |= _session_scores(session, model)
    return found


def _session_scores(session: Sequence[IntentEvent], model: Ngram) -> dict[str, float]:
    found: dict[str, float] = {}
    largest = 0.0
    for event, bits in zip(
        session, model.surprisals([_symbol(event) for event in session]), strict=True
    ):
        largest = max(largest, bits)
        if event.commits:
            found[event.event_id] = largest
            largest = 0.0
    return found


def _symbol(event: IntentEvent) -> Symbol:
    return event.intent, event.act.value
