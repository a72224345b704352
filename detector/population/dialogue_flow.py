"""The flow of dialogues: which act follows which, and whether a turn stays with its subject.

The sequence model learns this per intent, and little of it for a rare intent. This model shares the
statistics between all intents: users answer a question, settle a detail and agree in much the same
way whether they rent a car or book a table.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from detector.contracts.events import domain_of

__all__ = ["Flow", "FlowCounts", "moves_of"]

#: The move before a session's first one.
_START = "^"
#: Weights, in observations, of the bigram within the trigram and of the uniform distribution within
#: the bigram.
_BIGRAM_WEIGHT, _UNIFORM_WEIGHT = 4.0, 2.0


def moves_of(turns: Sequence[tuple[str, str]]) -> list[str]:
    """Return the move of each turn: its act, and what its intent shares with the turn before.

    >>> moves_of([("music.Find", "initiate"), ("music.Play", "accept"), ("lights.On", "initiate")])
    ['initiate first', 'accept domain', 'initiate other']

    Args:
        turns: the intent and the act of each turn of a session, in order.
    """
    moves, before = [], ""
    for intent, act in turns:
        if not before:
            shared = "first"
        elif intent == before:
            shared = "intent"
        else:
            shared = "domain" if domain_of(intent) == domain_of(before) else "other"
        moves.append(f"{act} {shared}")
        before = intent
    return moves


@dataclass(frozen=True, slots=True)
class Flow:
    """Counts of each move after the previous one and after the previous two.

    ``moves`` is the number of distinct moves.
    """

    after_one: Mapping[str, Mapping[str, int]]
    after_two: Mapping[str, Mapping[str, Mapping[str, int]]]
    moves: int

    def bits(self, moves: Sequence[str]) -> list[float]:
        """Return the surprisal in bits of each move of a session, in order; higher is rarer.

        The model is a trigram with Dirichlet priors as back-off (MacKay & Peto 1995, "A
        hierarchical Dirichlet language model"), so an unseen move has a finite surprisal.
        """
        two, one, found = _START, _START, []
        for move in moves:
            pairs, triples = self.after_one.get(one, {}), self.after_two.get(two, {}).get(one, {})
            likely = pairs.get(move, 0) + _UNIFORM_WEIGHT / (self.moves + 1)
            likely /= sum(pairs.values()) + _UNIFORM_WEIGHT
            likely = triples.get(move, 0) + _BIGRAM_WEIGHT * likely
            likely /= sum(triples.values()) + _BIGRAM_WEIGHT
            found.append(-math.log2(likely))
            two, one = one, move
        return found


@dataclass(slots=True)
class FlowCounts:
    """Counts of moves, from which a ``Flow`` is made."""

    _one: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _two: defaultdict[tuple[str, str], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )

    def add(self, turns: Sequence[tuple[str, str]]) -> None:
        """Count one session, given the intent and the act of each turn."""
        two, one = _START, _START
        for move in moves_of(turns):
            self._one[one][move] += 1
            self._two[two, one][move] += 1
            two, one = one, move

    def rates(self) -> Flow:
        """Return the flow of the counted sessions."""
        after_two: dict[str, dict[str, dict[str, int]]] = {}
        for (two, one), moves in sorted(self._two.items()):
            after_two.setdefault(two, {})[one] = dict(sorted(moves.items()))
        return Flow(
            after_one={
                one: dict(sorted(moves.items())) for one, moves in sorted(self._one.items())
            },
            after_two=after_two,
            moves=len({move for moves in self._one.values() for move in moves}),
        )
