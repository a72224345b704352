"""How a conversation goes on, whatever it is about: which dialogue act follows which, and whether it stays with its subject.

The sequence model knows this for each intent by itself, and little of it for a rare one. Here all intents share what is known: people
answer a question, settle a detail and agree in much the same way whether they rent a car or book a table.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from detector.contracts.events import domain_of

__all__ = ["Flow", "FlowCounts", "moves_of"]

#: A move before the session's first.
_NOTHING = "^"
#: How many observations the back-off is worth: of two moves to one, and of one to all alike.
_TWO, _ONE = 4.0, 2.0


def moves_of(turns: Sequence[tuple[str, str]]) -> list[str]:
    """Name each turn's move: its act, and how its intent stands to the turn before.

    >>> moves_of([("music.FindSongs", "initiate"), ("music.PlaySong", "accept"), ("lights.TurnOn", "initiate")])
    ['initiate first', 'accept domain', 'initiate other']

    Args:
        turns: intent and act of each turn of a session, in order.
    """
    moves, before = [], ""
    for intent, act in turns:
        if not before:
            stays = "first"
        elif intent == before:
            stays = "intent"
        else:
            stays = "domain" if domain_of(intent) == domain_of(before) else "other"
        moves.append(f"{act} {stays}")
        before = intent
    return moves


@dataclass(frozen=True, slots=True)
class Flow:
    """How often each move came after the one before it, and after the two before it; ``moves`` is how many different ones there are."""

    after_one: Mapping[str, Mapping[str, int]]
    after_two: Mapping[str, Mapping[str, Mapping[str, int]]]
    moves: int

    def bits(self, moves: Sequence[str]) -> list[float]:
        """Return the surprisal in bits of each of a session's moves, in order; higher is rarer, and finite for the unseen.

        A trigram, backed off with Dirichlet priors (MacKay & Peto 1995, "A hierarchical Dirichlet language model").
        """
        two, one, found = _NOTHING, _NOTHING, []
        for move in moves:
            pairs, triples = self.after_one.get(one, {}), self.after_two.get(two, {}).get(one, {})
            likely = (pairs.get(move, 0) + _ONE / (self.moves + 1)) / (sum(pairs.values()) + _ONE)
            likely = (triples.get(move, 0) + _TWO * likely) / (sum(triples.values()) + _TWO)
            found.append(-math.log2(likely))
            two, one = one, move
        return found


@dataclass(slots=True)
class FlowCounts:
    """Counts of moves, on their way to a ``Flow``."""

    _one: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _two: defaultdict[tuple[str, str], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )

    def add(self, turns: Sequence[tuple[str, str]]) -> None:
        """Count one session: intent and act of each of its turns."""
        two, one = _NOTHING, _NOTHING
        for move in moves_of(turns):
            self._one[one][move] += 1
            self._two[two, one][move] += 1
            two, one = one, move

    def rates(self) -> Flow:
        """Return what the counts say."""
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
