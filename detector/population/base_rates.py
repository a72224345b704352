"""The base rates of all households, against which a household's habits are compared."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from detector.contracts.events import CONVERSATION, IntentEvent, domain_of
from detector.population.dialogue_flow import Flow, FlowCounts
from detector.population.slot_pairs import Coherence, CoherenceCounts, qualified

__all__ = ["PARTS_OF_DAY", "PARTS_OF_WEEK", "Population", "part_of_day", "part_of_week"]

#: Eight parts of three hours for weekdays and eight for weekends.
PARTS_OF_WEEK = 16
#: The hours.
PARTS_OF_DAY = 24


#: Strength of a domain's hours as the prior of an intent's hours, in commands.
_DAY_STRENGTH = 8.0


def part_of_week(seconds: float) -> int:
    """Return the part of the week, below ``PARTS_OF_WEEK``, of a local time since the epoch."""
    time = datetime.fromtimestamp(seconds, UTC)
    return time.hour // 3 + (8 if time.weekday() >= 5 else 0)


def part_of_day(seconds: float) -> int:
    """Return the part of the day, below ``PARTS_OF_DAY``, of a local time since the epoch.

    >>> part_of_day(4.5 * 3600)
    4
    """
    return int(seconds % 86_400 // 3_600)


def _in_hour(hours: Sequence[float], hour: int) -> float:
    """Return the probability of an hour of any day, given those of the parts of the week."""
    weekday, weekend = hours[hour // 3], hours[hour // 3 + PARTS_OF_WEEK // 2]
    return (weekday + weekend) / 3.0


#: Bits if the slot is not known yet, and if it is.
_Bits = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Population:
    """Base rates, as probabilities.

    Attributes:
        domains: each domain's share of all uses in sessions.
        intents: each intent's share of all uses in sessions.
        committing: each intent's share of all committed chains.
        spread: each committed intent's share of the households.
        slots: by committing intent, how often the session knows each slot at the commit.
        searched: by committing intent, how often another intent of the domain preceded it in the
            session.
        day: by committing intent, the distribution of its commands over the parts of the day,
            smoothed by that of its domain.
        hours: by domain, the distribution of its sessions over the parts of the week.
        said: by turn (``intent act``) and slot, how often the turn names the slot if the session
            does not know it yet, and if it does.
        within: like ``slots``, but only slots that were named since the subject changed.
        coherence: which slots occur together.
        flow: which turns follow each other.
    """

    domains: Mapping[str, float]
    intents: Mapping[str, float]
    committing: Mapping[str, float]
    spread: Mapping[str, float]
    slots: Mapping[str, Mapping[str, float]]
    searched: Mapping[str, float]
    day: Mapping[str, tuple[float, ...]]
    hours: Mapping[str, tuple[float, ...]]
    said: Mapping[str, Mapping[str, tuple[float, float]]]
    within: Mapping[str, Mapping[str, float]]
    coherence: Coherence
    flow: Flow
    #: By intent and act, for each slot: the bits if it is omitted, and the bits if it is named.
    _slot_bits: Mapping[tuple[str, str], tuple[tuple[str, tuple[_Bits, _Bits]], ...]] = field(
        init=False, repr=False, compare=False
    )

    #: Half the rarest share of a domain, of an intent and of a command.
    _unseen: tuple[float, float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shares = self.domains, self.intents, self.committing
        unseen = tuple([0.5 * min(each.values(), default=1.0) for each in shares])
        object.__setattr__(self, "_unseen", unseen)
        turns = {
            (intent, act): tuple((name, _bits_of(rate)) for name, rate in rates.items())
            for (intent, _, act), rates in (
                (turn.partition(" "), rates) for turn, rates in self.said.items()
            )
        }
        object.__setattr__(self, "_slot_bits", turns)

    @classmethod
    def of(cls, sessions: Iterable[Sequence[IntentEvent]]) -> Population:
        """Return the base rates of ``sessions``, each in order of time."""
        counts = _Counts()
        for session in sessions:
            counts.add(session)
        return counts.rates()

    def domain_rate(self, domain: str) -> float:
        """Return the domain's share of uses; an unseen domain gets half the rarest share."""
        return self.domains.get(domain, self._unseen[0])

    def intent_rate(self, intent: str) -> float:
        """Return the intent's share of uses; an unseen intent gets half the rarest share."""
        return self.intents.get(intent, self._unseen[1])

    def command_rate(self, intent: str) -> float:
        """Return the intent's share of commands; an unseen intent gets half the rarest share."""
        return self.committing.get(intent, self._unseen[2])

    def day_rate(self, intent: str, part: int) -> float:
        """Return the probability that a command of ``intent`` falls into ``part`` of the day.

        An unseen intent has the hours of its domain.
        """
        day = self.day.get(intent)
        if day is not None:
            return day[part]
        hours = self.hours.get(domain_of(intent))
        return _in_hour(hours, part) if hours else 1.0 / PARTS_OF_DAY

    def hour_rate(self, domain: str, part: int) -> float:
        """Return the probability that a session with ``domain`` falls into ``part`` of the week."""
        hours = self.hours.get(domain)
        return hours[part] if hours else 1.0 / PARTS_OF_WEEK

    def slot_bits(self, event: IntentEvent, known: Container[str]) -> float:
        """Return the surprisal in bits of a turn's set of slot names; higher is rarer.

        It covers the slots that the turn names and those that it omits. A turn that training did
        not see gives 0.0.

        Args:
            event: the turn.
            known: names of the slots that the session knew before the turn.
        """
        rates, named = self._slot_bits.get((event.intent, event.act), ()), event.slots
        return sum([bits[name in named][name in known] for name, bits in rates])


def _bits_of(rate: tuple[float, float]) -> tuple[_Bits, _Bits]:
    (new, again), log2 = rate, math.log2
    return (-log2(1.0 - new), -log2(1.0 - again)), (-log2(new), -log2(again))


class _Counts:
    def __init__(self) -> None:
        self.domains: Counter[str] = Counter()
        self.intents: Counter[str] = Counter()
        self.committing: Counter[str] = Counter()
        self.households: set[str] = set()
        self.used_by: defaultdict[str, set[str]] = defaultdict(set)
        self.searched: Counter[str] = Counter()
        self.slots: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.within: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.hours: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self.day: defaultdict[str, Counter[int]] = defaultdict(Counter)
        #: (intent, act) -> turns; with a slot's name -> turns before which the slot was known; with
        #: the name and whether it was known -> turns that named it.
        self.turns: Counter[tuple[str, str]] = Counter()
        self.known: Counter[tuple[str, str, str]] = Counter()
        self.said: Counter[tuple[str, str, str, bool]] = Counter()
        self.names: defaultdict[str, set[str]] = defaultdict(set)
        self.coherence = CoherenceCounts()
        self.flow = FlowCounts()

    def add(self, session: Sequence[IntentEvent]) -> None:
        known: set[str] = set()
        within: set[str] = set()
        seen: set[str] = set()
        earlier: set[str] = set()
        domain = CONVERSATION
        self.flow.add([(event.intent, event.act.value) for event in session])
        for event in session:
            self.households.add(event.household_id)
            self._count_slots(event, known)
            if event.domain not in (domain, CONVERSATION):
                earlier |= set(qualified(domain, within))
                domain, within = event.domain, set()
            within |= event.slots.keys()
            known |= event.slots.keys()
            if event.commits:
                self.committing[event.intent] += 1
                self.used_by[event.intent].add(event.household_id)
                self.day[event.intent][part_of_day(event.local_seconds)] += 1
                self.slots[event.intent].update(known)
                self.within[event.intent].update(within)
                self.coherence.add(event.intent, within, qualified(domain, within), earlier)
                self.searched[event.intent] += any(
                    domain_of(intent) == event.domain for intent in seen if intent != event.intent
                )
            seen.add(event.intent)
        used = {intent for intent in seen if domain_of(intent) != CONVERSATION}
        self.intents.update(used)
        for domain in {domain_of(intent) for intent in used}:
            self.domains[domain] += 1
            self.hours[domain][part_of_week(session[0].local_seconds)] += 1

    def _count_slots(self, event: IntentEvent, known: Collection[str]) -> None:
        turn = (event.intent, event.act.value)
        self.turns[turn] += 1
        self.known.update((*turn, name) for name in known)
        self.said.update((*turn, name, name in known) for name in event.slots)
        self.names[event.intent] |= event.slots.keys()

    def _said_rate(self, intent: str, act: str, name: str) -> tuple[float, float]:
        turns, known = self.turns[intent, act], self.known[intent, act, name]
        new, again = self.said[intent, act, name, False], self.said[intent, act, name, True]
        return (new + 0.3) / (turns - known + 1.0), (again + 0.3) / (known + 1.0)

    def _slot_rates(self, slots: Mapping[str, Counter[str]]) -> dict[str, dict[str, float]]:
        """Return add-one estimates, so that no slot has a probability of 0 or 1."""
        return {
            intent: {
                name: (count + 1) / (self.committing[intent] + 2)
                for name, count in sorted(counts.items())
            }
            for intent, counts in sorted(slots.items())
        }

    def _day(self, intent: str, found: Counter[int]) -> tuple[float, ...]:
        """Return the hours of an intent, with those of its domain as a Dirichlet prior."""
        hours = self.hours[domain_of(intent)]
        shares = [
            (hours[part] + 1) / (hours.total() + PARTS_OF_WEEK) for part in range(PARTS_OF_WEEK)
        ]
        total = found.total() + _DAY_STRENGTH
        return tuple(
            (found[part] + _DAY_STRENGTH * _in_hour(shares, part)) / total
            for part in range(PARTS_OF_DAY)
        )

    def rates(self) -> Population:
        parts = range(PARTS_OF_WEEK)
        return Population(
            domains=_shares(self.domains),
            intents=_shares(self.intents),
            committing=_shares(self.committing),
            spread={
                intent: len(users) / len(self.households)
                for intent, users in sorted(self.used_by.items())
            },
            slots=self._slot_rates(self.slots),
            within=self._slot_rates(self.within),
            coherence=self.coherence.rates(),
            flow=self.flow.rates(),
            searched={
                intent: (self.searched[intent] + 1) / (count + 2)
                for intent, count in sorted(self.committing.items())
            },
            day={intent: self._day(intent, found) for intent, found in sorted(self.day.items())},
            hours={
                domain: tuple((hours[part] + 1) / (hours.total() + PARTS_OF_WEEK) for part in parts)
                for domain, hours in sorted(self.hours.items())
            },
            said={
                f"{intent} {act}": {
                    name: self._said_rate(intent, act, name) for name in sorted(self.names[intent])
                }
                for intent, act in sorted(self.turns)
            },
        )


def _shares(counts: Counter[str]) -> dict[str, float]:
    total = counts.total()
    return {key: count / total for key, count in sorted(counts.items())}
