"""What a term may look at: one committing event, its chain and session, this household, and the population."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from detector.events import CONVERSATION, IntentEvent, domain_of
from detector.population import Population
from detector.state import Chain, HouseholdState, Session, Subject

__all__ = ["MISSING", "Moment", "Term", "of_subject"]

#: The value of a term that cannot be known here: a value of its own, neither zero nor one.
MISSING = float("nan")


@dataclass(frozen=True, slots=True)
class Moment:
    """A committing event at the moment of the decision. ``session`` and ``chain`` hold the event, ``household`` has not learned from it."""

    event: IntentEvent
    session: Session
    chain: Chain
    household: HouseholdState
    population: Population

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
        subject, session = self.session.subject, self.session
        begun = session.turns if subject is None else subject.start
        told = session.intents[: max(len(session.intents) - (session.turns - begun), 0)]
        return frozenset(map(domain_of, told)) - {CONVERSATION}


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
