"""The population's model: vocabulary, sequence model and base rates, fitted together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent, domain_of
from detector.population.base_rates import Population
from detector.population.vocabulary import Vocabulary
from detector.sequence.sequence_model import SequenceModel

__all__ = ["Model", "perplexity"]


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
    _begins: npt.NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        likely = self.sequence.predictive(self.sequence.fresh(), self.sequence.start)
        openings: dict[str, float] = {}
        for (intent, _), share in zip(self.vocabulary.symbols, likely.tolist(), strict=False):
            openings[domain_of(intent)] = openings.get(domain_of(intent), 0.0) + share
        openings[_UNSEEN] = float(likely[self.vocabulary.unseen])
        object.__setattr__(self, "_openings", openings)
        object.__setattr__(self, "_begins", -np.log2(np.maximum(likely, _RAREST)))

    def opening_rate(self, domain: str) -> float:
        """Return the probability that a session begins with ``domain``.

        For an unseen domain, it is the probability that a session begins with the unseen symbol.
        """
        return self._openings.get(domain, self._openings[_UNSEEN])

    def opening_bits(self, symbol: int) -> float:
        """Return the surprisal in bits of ``symbol`` as the first of a session; higher is rarer."""
        return float(self._begins[symbol])


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
