"""The input of evidence terms: a committing event, its chain, session, household and population."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from detector.contracts.events import CONVERSATION, IntentEvent, domain_of
from detector.evidence.command_facts import CommandFacts, command_facts
from detector.evidence.sentences import Sentences, finished
from detector.household.state import Chain, HouseholdState, Session, Subject
from detector.population.base_rates import Population
from detector.population.dialogue_flow import moves_of
from detector.population.model import Model

__all__ = ["MISSING", "Moment", "Term", "of_subject"]

#: The value of a term that is not known; the judge treats it as a value of its own.
MISSING = float("nan")


@dataclass(frozen=True, slots=True)
class Moment:
    """A committing event at the moment of the decision.

    ``session`` and ``chain`` include the event; ``household`` has not learned from it.
    ``flow_bits`` are the surprisals of the session's kept turns as moves, independent of their
    domain. ``opening_bits`` is the surprisal of the turn that changed the subject, as the first
    turn of a session. Both are in bits; higher is rarer. ``facts`` compare the command with the
    home's others.
    """

    event: IntentEvent
    session: Session
    chain: Chain
    household: HouseholdState
    population: Population
    flow_bits: tuple[float, ...]
    opening_bits: float
    facts: CommandFacts

    @classmethod
    def of(
        cls,
        event: IntentEvent,
        session: Session,
        chain: Chain,
        household: HouseholdState,
        model: Model,
    ) -> Moment:
        """Return the moment of a committing event."""
        begun = _kept_before(session)
        opening = (
            model.opening_bits(session.symbols[begun]) if begun < len(session.symbols) else MISSING
        )
        facts = command_facts(
            event,
            household,
            model.population,
            at=session.seconds,
            device_seconds=session.device_seconds,
        )
        return cls(
            event,
            session,
            chain,
            household,
            model.population,
            _flow_bits(model, session),
            opening,
            facts,
        )

    @property
    def number(self) -> int:
        """The number of the next session that the household learns from."""
        return self.household.learned + 1

    @property
    def before(self) -> tuple[str, ...]:
        """The intents of the session's kept turns before the chain."""
        kept = len(self.session.intents)
        return self.session.intents[: max(kept - (self.session.turns - self.chain.start), 0)]

    @property
    def earlier(self) -> frozenset[str]:
        """The domains of the session's kept turns before the current subject.

        The domain of the current subject may be among them.
        """
        intents = self.session.intents[: self.kept_before]
        return frozenset(map(domain_of, intents)) - {CONVERSATION}

    @property
    def kept_before(self) -> int:
        """The number of the session's kept turns before the current subject."""
        return _kept_before(self.session)


def _kept_before(session: Session) -> int:
    begun = session.turns if session.subject is None else session.subject.start
    return max(len(session.intents) - (session.turns - begun), 0)


@dataclass(frozen=True, slots=True)
class Term:
    """One named piece of evidence.

    ``sentences`` explain a value to a person; ``None`` means that the term is never a reason.
    """

    name: str
    unit: str
    meaning: str
    sentences: Sentences | None
    value: Callable[[Moment], float]

    def text(self, value: float, intent: str) -> str | None:
        """Return the sentence about a value of this term, or ``None`` if the term has none."""
        if self.sentences is None:
            return None
        if math.isnan(value):
            return finished(f"evidence is missing: {self.meaning.partition(';')[0]}")
        return self.sentences.text(value, intent)


def of_subject(value: Callable[[Moment, Subject], float]) -> Callable[[Moment], float]:
    """Make a term's value of the session's subject; every committing event has one."""

    def of(moment: Moment) -> float:
        subject = moment.session.subject
        return MISSING if subject is None else value(moment, subject)

    return of


def _flow_bits(model: Model, session: Session) -> tuple[float, ...]:
    """Return the surprisal in bits of each kept turn of a session as a move; higher is rarer."""
    names = (model.vocabulary.name(symbol) for symbol in session.symbols)
    turns = [(intent, act) for intent, (_, act) in zip(session.intents, names, strict=True)]
    return tuple(model.population.flow.bits(moves_of(turns)))
