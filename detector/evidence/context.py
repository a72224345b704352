"""The input of evidence terms: a committing event, its chain, session, household and population."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from detector.contracts.events import CONVERSATION, IntentEvent, domain_of
from detector.evidence.command_facts import CommandFacts, command_facts
from detector.evidence.sentences import Sentences, finished
from detector.household.decayed_uses import strengths
from detector.household.learning import predictive_bits
from detector.household.state import Chain, HouseholdState, Session, Subject
from detector.population.base_rates import Population
from detector.population.dialogue_flow import moves_of
from detector.population.model import Model
from detector.population.slot_pairs import Coherence, qualified

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

    Several terms need the other fields. ``kept_before`` is the number of the session's kept turns
    before the current subject, and ``earlier`` are their domains; the domain of the current subject
    may be among them. ``domain_bits`` is the surprisal of the event's domain in this household, and
    ``company_bits`` are those of the session's other domains in ``earlier``. ``other_domains`` are
    the decayed counts of the household's other domains. ``apart_bits`` and ``across_bits`` are the
    bits of slots that rarely occur together (``slot_pairs.py``), within the subject and with
    earlier subjects.
    """

    event: IntentEvent
    session: Session
    chain: Chain
    household: HouseholdState
    population: Population
    flow_bits: tuple[float, ...]
    opening_bits: float
    facts: CommandFacts
    kept_before: int = field(init=False)
    earlier: frozenset[str] = field(init=False)
    domain_bits: float = field(init=False)
    company_bits: tuple[float, ...] = field(init=False)
    other_domains: tuple[float, ...] = field(init=False)
    apart_bits: Sequence[float] = field(init=False)
    across_bits: Sequence[float] = field(init=False)

    def __post_init__(self) -> None:
        kept, own, number = _kept_before(self.session), self.event.domain, self.number
        earlier = frozenset(map(domain_of, self.session.intents[:kept])) - {CONVERSATION}
        company = tuple([self.bits_of_domain(domain) for domain in earlier if domain != own])
        usages = self.household.domains
        others = strengths((usage for domain, usage in usages.items() if domain != own), number)
        apart, across = _slot_bits(self.population.coherence, self.event.intent, self.session)
        put = partial(object.__setattr__, self)
        put("kept_before", kept)
        put("earlier", earlier)
        put("domain_bits", self.bits_of_domain(own))
        put("company_bits", company)
        put("other_domains", tuple(others))
        put("apart_bits", apart)
        put("across_bits", across)

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

    def bits_of_domain(self, domain: str) -> float:
        """Return the bits of a domain under the household's Pitman-Yor predictive."""
        base = self.population.domain_rate(domain)
        return predictive_bits(self.household.domains, domain, self.number, base)


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


def _slot_bits(
    coherence: Coherence, intent: str, session: Session
) -> tuple[Sequence[float], Sequence[float]]:
    """Return the bits of the subject's slots with each other and with earlier subjects' slots."""
    subject = session.subject
    if subject is None or not subject.slots:
        return (), ()
    apart = coherence.apart_bits(intent, subject.slots)
    if not subject.told:
        return apart, ()
    return apart, coherence.across_bits(subject.told, qualified(subject.domain, subject.slots))


def _flow_bits(model: Model, session: Session) -> tuple[float, ...]:
    """Return the surprisal in bits of each kept turn of a session as a move; higher is rarer."""
    acts = model.vocabulary.acts(session.symbols)
    return model.flow_bits(moves_of(list(zip(session.intents, acts, strict=True))))
