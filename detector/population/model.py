"""The population's model: vocabulary, sequence model and base rates, fitted together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent, domain_of
from detector.population.base_rates import Population
from detector.population.dialogue_flow import START
from detector.population.vocabulary import Vocabulary
from detector.sequence.sequence_model import SequenceModel

__all__ = ["Model", "perplexity"]

Floats = npt.NDArray[np.float64]

#: Lower bound of the probability of a session's first symbol.
_RAREST = 1e-12
#: The key of unseen domains; no intent has an empty domain.
_UNSEEN = ""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The population's model."""

    vocabulary: Vocabulary
    sequence: SequenceModel
    population: Population
    _openings: Mapping[str, float] = field(init=False, repr=False)
    _begins: list[float] = field(init=False, repr=False)
    _first: Floats = field(init=False, repr=False)
    #: Cache: the bits of a move after the previous two. Acts bound the number of moves.
    _moves: dict[tuple[str, str, str], float] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        likely = self.sequence.predictive(self.sequence.fresh(), self.sequence.start)
        likely.flags.writeable = False
        openings: dict[str, float] = {}
        for (intent, _), share in zip(self.vocabulary.symbols, likely.tolist(), strict=False):
            openings[domain_of(intent)] = openings.get(domain_of(intent), 0.0) + share
        openings[_UNSEEN] = float(likely[self.vocabulary.unseen])
        object.__setattr__(self, "_openings", openings)
        object.__setattr__(self, "_first", likely)
        object.__setattr__(self, "_begins", (-np.log2(np.maximum(likely, _RAREST))).tolist())

    def opening_rate(self, domain: str) -> float:
        """Return the probability that a session begins with ``domain``.

        For an unseen domain, it is the probability that a session begins with the unseen symbol.
        """
        return self._openings.get(domain, self._openings[_UNSEEN])

    def opening_bits(self, symbol: int) -> float:
        """Return the surprisal in bits of ``symbol`` as the first of a session; higher is rarer."""
        return self._begins[symbol]

    def predictive(self, symbols: Sequence[int]) -> Floats:
        """Return the probabilities of the symbol after those of a session so far, shape (M,)."""
        if not symbols:
            return self._first
        current, previous = self.sequence.fresh(), self.sequence.start
        for symbol in symbols:
            current, _ = self.sequence.step(current, previous, symbol)
            previous = symbol
        return self.sequence.predictive(current, previous)

    def flow_bits(self, moves: Sequence[str]) -> tuple[float, ...]:
        """Return the surprisal in bits of each move of a session, in order; higher is rarer."""
        two, one, found = START, START, []
        for move in moves:
            bits = self._moves.get((two, one, move))
            if bits is None:
                bits = self.population.flow.bits_after(two, one, move)
                self._moves[two, one, move] = bits
            found.append(bits)
            two, one = one, move
        return tuple(found)


def perplexity(model: Model, sessions: Sequence[Sequence[IntentEvent]]) -> float:
    """Return 2 to the power of the mean surprisal of an event in bits; lower is better.

    Raises:
        NotEnoughData: ``sessions`` contain no event.
    """
    bits = [
        surprisal
        for session in sessions
        for surprisal in model.sequence.surprisals(
            model.vocabulary.index(event.intent, event.act) for event in session
        )
    ]
    if not bits:
        raise NotEnoughData("perplexity needs at least one event")
    return float(2.0 ** np.mean(bits))
