"""What a term may look at: one committing event, its chain and session, this household, and the population."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detector.contracts.events import CONVERSATION, IntentEvent, domain_of
from detector.household.state import Chain, HouseholdState, Session, Subject
from detector.population.base_rates import Population
from detector.population.dialogue_flow import moves_of
from detector.population.model import Model

__all__ = ["MISSING", "Moment", "Term", "of_subject"]

#: The value of a term that cannot be known here: a value of its own, neither zero nor one.
MISSING = float("nan")


@dataclass(frozen=True, slots=True)
class Moment:
    """A committing event at the moment of the decision.

    ``session`` and ``chain`` hold the event, ``household`` has not learned from it. ``flow_bits`` are the surprisals of the session's kept
    turns as moves, whatever they are about; ``opening_bits`` is that of the turn that changed the subject as the beginning of a session.
    """

    event: IntentEvent
    session: Session
    chain: Chain
    household: HouseholdState
    population: Population
    flow_bits: tuple[float, ...]
    opening_bits: float

    @classmethod
    def of(
        cls,
        event: IntentEvent,
        session: Session,
        chain: Chain,
        household: HouseholdState,
        model: Model,
    ) -> Moment:
        """Return what the evidence of a committing event is drawn from."""
        begun = _kept_before(session)
        opening = (
            model.opening_bits(session.symbols[begun]) if begun < len(session.symbols) else MISSING
        )
        return cls(
            event, session, chain, household, model.population, _flow_bits(model, session), opening
        )

    @property
    def number(self) -> int:
        """The number that the household's next learned session will have."""
        return self.household.learned + 1

    @property
    def before(self) -> tuple[str, ...]:
        """The intents of the session's turns before the chain, as far as they are kept."""
        kept = len(self.session.intents)
        return self.session.intents[: max(kept - (self.session.turns - self.chain.start), 0)]

    @property
    def earlier(self) -> frozenset[str]:
        """The domains that the session was about before its present subject, as far as they are kept; the subject's may be among them."""
        told = self.session.intents[: self.kept_before]
        return frozenset(map(domain_of, told)) - {CONVERSATION}

    @property
    def kept_before(self) -> int:
        """How many of the session's kept turns came before its present subject."""
        return _kept_before(self.session)


def _kept_before(session: Session) -> int:
    begun = session.turns if session.subject is None else session.subject.start
    return max(len(session.intents) - (session.turns - begun), 0)


@dataclass(frozen=True, slots=True)
class Term:
    """One named piece of evidence.

    ``sentence`` tells a person what the value means when it speaks for a misfire; ``{value}`` and ``{intent}`` are filled in.
    """

    name: str
    unit: str
    meaning: str
    sentence: str
    value: Callable[[Moment], float]


def of_subject(value: Callable[[Moment, Subject], float]) -> Callable[[Moment], float]:
    """Make a term's value of what the session is about; every committing event has a subject."""

    def of(moment: Moment) -> float:
        subject = moment.session.subject
        return MISSING if subject is None else value(moment, subject)

    return of


def _flow_bits(model: Model, session: Session) -> tuple[float, ...]:
    """Return the surprisal in bits of each kept turn of a session, as a move regardless of its topic; higher is rarer."""
    names = (model.vocabulary.name(symbol) for symbol in session.symbols)
    turns = [(intent, act) for intent, (_, act) in zip(session.intents, names, strict=True)]
    return tuple(model.population.flow.bits(moves_of(turns)))
