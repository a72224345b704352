"""What everybody's sequences look like: vocabulary, sequence model and base rates, fitted together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detector.sequence.cloned_hmm import ClonedHMM
from detector.contracts.errors import NotEnoughData
from detector.contracts.events import IntentEvent, domain_of
from detector.sequence.sequence_model import SequenceModel
from detector.population.dialogue_flow import moves_of
from detector.population.base_rates import Population
from detector.sequence.smoothing import smooth
from detector.household.state import Session
from detector.population.vocabulary import Vocabulary

__all__ = ["Model", "fit_model", "perplexity"]

#: Clones per symbol and EM iterations: on Schema-Guided dialogues more of either gains less than 1 % of perplexity.
CLONES, ITERATIONS = 10, 20

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

    def flow_bits(self, session: Session) -> tuple[float, ...]:
        """Surprisal in bits of each turn of a session, as far as they are kept, as a move whatever it is about; higher is rarer."""
        names = (self.vocabulary.name(symbol) for symbol in session.symbols)
        turns = [(intent, act) for intent, (_, act) in zip(session.intents, names, strict=True)]
        return tuple(self.population.flow.bits(moves_of(turns)))


def fit_model(
    sessions: Sequence[Sequence[IntentEvent]],
    *,
    seed: int = 0,
    clones: int = CLONES,
    iterations: int = ITERATIONS,
) -> Model:
    """Fit the population's model to ``sessions`` that were meant.

    Raises:
        NotEnoughData: there is no event.
    """
    events = [event for session in sessions for event in session]
    if not events:
        raise NotEnoughData(
            "the stream holds no events, so there is nothing to learn from; give a longer one"
        )
    vocabulary = Vocabulary.of(events)
    symbols = np.array([vocabulary.index(event.intent, event.act) for event in events])
    fitted = ClonedHMM(vocabulary.size, clones, n_iter=iterations, random_state=seed)
    fitted.fit(symbols, [len(session) for session in sessions])
    return Model(vocabulary, smooth(fitted), Population.of(sessions))


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
