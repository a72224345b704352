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
from functools import lru_cache

from detector.contracts.events import domain_of

__all__ = ["START", "Flow", "FlowCounts", "moves_of"]

#: The move before a session's first one.
START = "^"
#: Weights, in observations, of the bigram within the trigram and of the uniform distribution within
#: the bigram.
_BIGRAM_WEIGHT, _UNIFORM_WEIGHT = 4.0, 2.0
#: Pairs of successive intents whose move is cached: a command asks for those of its whole session.
_PAIRS = 4096


def moves_of(turns: Sequence[tuple[str, str]]) -> list[str]:
    """Return the move of each turn: its act, and what its intent shares with the turn before.

    >>> moves_of([("music.Find", "initiate"), ("music.Play", "accept"), ("lights.On", "initiate")])
    ['initiate first', 'accept domain', 'initiate other']

    Args:
        turns: the intent and the act of each turn of a session, in order.
    """
    moves, before = [], ""
    for intent, act in turns:
        moves.append(_move(before, intent, act))
        before = intent
    return moves


@lru_cache(maxsize=_PAIRS)
def _move(before: str, intent: str, act: str) -> str:
    """Return the move of a turn after one about the intent ``before``; empty: the first turn."""
    if not before:
        shared = "first"
    elif intent == before:
        shared = "intent"
    else:
        shared = "domain" if domain_of(intent) == domain_of(before) else "other"
    return f"{act} {shared}"


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
        before = (START, START, *moves)
        return list(map(self.bits_after, before, before[1:], moves))

    def bits_after(self, two: str, one: str, move: str) -> float:
        """Return the surprisal in bits of a move after ``one``, which came after ``two``."""
        pairs, triples = self.after_one.get(one, {}), self.after_two.get(two, {}).get(one, {})
        likely = pairs.get(move, 0) + _UNIFORM_WEIGHT / (self.moves + 1)
        likely /= sum(pairs.values()) + _UNIFORM_WEIGHT
        likely = triples.get(move, 0) + _BIGRAM_WEIGHT * likely
        likely /= sum(triples.values()) + _BIGRAM_WEIGHT
        return -math.log2(likely)


@dataclass(slots=True)
class FlowCounts:
    """Counts of moves, from which a ``Flow`` is made."""

    _one: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _two: defaultdict[tuple[str, str], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )

    def add(self, turns: Sequence[tuple[str, str]]) -> None:
        """Count one session, given the intent and the act of each turn."""
        two, one = START, START
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
