"""Baselines: n-gram gates that confirm surprising commands. The judge is compared with them.

The gates have every advantage: their thresholds come from the meant commands of the test stream.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import Decision, RiskClass, Verdict
from detector.contracts.events import IntentEvent
from detector.household.grouping import sessions_by_household
from detector.policy.policy import Policy
from detector.sequence.ngram_model import NgramModel

__all__ = ["GATES", "ngram_gates", "ngram_scores"]

#: An intent and an act.
Symbol = tuple[str, str]
Ints = npt.NDArray[np.int64]

#: The gates and the length of their n-grams.
GATES: Mapping[str, int] = {"bigram gate": 2, "order-2 Markov gate": 3}


def ngram_scores(
    events: Sequence[IntentEvent], misfires: Collection[str]
) -> dict[str, dict[str, float]]:
    """Return the scores of committing events by gate and event id, in bits; higher is rarer.

    The score is the largest surprisal of a turn since the session's previous command. The n-gram
    model (``NgramModel``) is trained on the meant events of the other half of the households.

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
        scored, learned = (_sessions(households[each::2]) for each in (half, 1 - half))
        meant = [
            [_symbol(event) for event in session if event.event_id not in misfires]
            for session in learned
        ]
        bits = _surprisals(meant, [list(map(_symbol, session)) for session in scored], order)
        for session in scored:
            found |= _largest(session, bits)
    return found


def _sessions(households: Sequence[Sequence[list[IntentEvent]]]) -> list[list[IntentEvent]]:
    return [session for sessions in households for session in sessions]


def _surprisals(
    learned: Sequence[Sequence[Symbol]], scored: Sequence[Sequence[Symbol]], order: int
) -> Iterator[float]:
    """Return the surprisals of the scored symbols in order, in bits; zeros if none was learned."""
    symbols = {symbol for sequence in learned for symbol in sequence}
    numbers = {symbol: number for number, symbol in enumerate(sorted(symbols))}
    flat = [_numbered(sequences, numbers) for sequences in (learned, scored)]
    if not symbols:
        return iter([0.0] * len(flat[1][0]))
    # One more symbol stands for all that were not learned.
    model = NgramModel.fit(*flat[0], n_symbols=len(symbols) + 1, order=order)
    return iter(model.surprisals(*flat[1]).tolist())


def _numbered(
    sequences: Sequence[Sequence[Symbol]], numbers: Mapping[Symbol, int]
) -> tuple[Ints, Ints]:
    """Return the numbers of the symbols of all sequences, and the lengths of the sequences."""
    flat = [numbers.get(symbol, len(numbers)) for sequence in sequences for symbol in sequence]
    return np.array(flat, dtype=np.int64), np.array(list(map(len, sequences)), dtype=np.int64)


def _largest(session: Sequence[IntentEvent], bits: Iterator[float]) -> dict[str, float]:
    """Return the score of each command of a session; take the surprisals of its events."""
    found: dict[str, float] = {}
    largest = 0.0
    for event in session:
        largest = max(largest, next(bits))
        if event.commits:
            found[event.event_id] = largest
            largest = 0.0
    return found


def _symbol(event: IntentEvent) -> Symbol:
    return event.intent, event.act.value
