"""What everybody's sequences look like: vocabulary, sequence model and base rates, fitted together."""

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


#: A probability that stands for what never begins a session.
_RAREST = 1e-12
#: No intent has an empty domain.
_UNSEEN = ""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The population's model; it does not change while it is used."""

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
        """Probability that a session begins with ``domain``; of a domain never seen, that it begins with something never seen."""
        return self._openings.get(domain, self._openings[_UNSEEN])

    def opening_bits(self, symbol: int) -> float:
        """Surprisal in bits of ``symbol`` as the beginning of a session, whoever begins it."""
        return float(self._begins[symbol])


def perplexity(model: Model, sessions: Sequence[Sequence[IntentEvent]]) -> float:
    """Return two to the power of the mean surprisal in bits of an event of ``sessions``; lower is better."""
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
