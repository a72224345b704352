"""What all households together do: base rates that a single household's habits are held against."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from detector.events import CONVERSATION, IntentEvent, domain_of

__all__ = ["PARTS_OF_WEEK", "Population", "part_of_week"]

#: Eight parts of three hours for a weekday, eight for a day of the weekend.
PARTS_OF_WEEK = 16


def part_of_week(seconds: float) -> int:
    """Return which of the ``PARTS_OF_WEEK`` a time in seconds since the epoch (UTC) falls into."""
    time = datetime.fromtimestamp(seconds, UTC)
    return time.hour // 3 + (8 if time.weekday() >= 5 else 0)


@dataclass(frozen=True, slots=True)
class Population:
    """Base rates, all of them probabilities.

    ``domains`` and ``intents`` are shares of all uses in sessions, ``committing`` the shares of committed chains by intent;
    ``slots`` says for a committing intent how often each slot is known by then, ``searched`` how often another intent of the
    domain came before it in the session; ``hours`` how a domain's sessions spread over the parts of the week.
    """

    domains: Mapping[str, float]
    intents: Mapping[str, float]
    committing: Mapping[str, float]
    slots: Mapping[str, Mapping[str, float]]
    searched: Mapping[str, float]
    hours: Mapping[str, tuple[float, ...]]

    @classmethod
    def of(cls, sessions: Iterable[Sequence[IntentEvent]]) -> Population:
        """Count ``sessions`` (each in order of time) into base rates."""
        counts = _Counts()
        for session in sessions:
            counts.add(session)
        return counts.rates()

    def domain_rate(self, domain: str) -> float:
        """Share of uses that are of ``domain``; a domain never seen gets half of the rarest one's."""
        return _rate(self.domains, domain)

    def intent_rate(self, intent: str) -> float:
        """Share of uses that are of ``intent``; an intent never seen gets half of the rarest one's."""
        return _rate(self.intents, intent)

    def hour_rate(self, domain: str, part: int) -> float:
        """Probability that a session with ``domain`` falls into ``part`` of the week."""
        hours = self.hours.get(domain)
        return hours[part] if hours else 1.0 / PARTS_OF_WEEK


def _rate(rates: Mapping[str, float], key: str) -> float:
    found = rates.get(key)
    return found if found is not None else 0.5 * min(rates.values(), default=1.0)


class _Counts:
    def __init__(self) -> None:
        self.domains: Counter[str] = Counter()
        self.intents: Counter[str] = Counter()
        self.committing: Counter[str] = Counter()
        self.searched: Counter[str] = Counter()
        self.slots: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.hours: defaultdict[str, Counter[int]] = defaultdict(Counter)

    def add(self, session: Sequence[IntentEvent]) -> None:
        known: set[str] = set()
        seen: set[str] = set()
        for event in session:
            known |= event.slots.keys()
            if event.commits:
                self.committing[event.intent] += 1
                self.slots[event.intent].update(known)
                self.searched[event.intent] += any(
                    domain_of(intent) == event.domain for intent in seen if intent != event.intent
                )
            seen.add(event.intent)
        used = {intent for intent in seen if domain_of(intent) != CONVERSATION}
        self.intents.update(used)
        for domain in {domain_of(intent) for intent in used}:
            self.domains[domain] += 1
            self.hours[domain][part_of_week(session[0].seconds)] += 1

    def rates(self) -> Population:
        parts = range(PARTS_OF_WEEK)
        return Population(
            domains=_shares(self.domains),
            intents=_shares(self.intents),
            committing=_shares(self.committing),
            # Add-one estimates: a slot or a search that always came, or never did, is not certain.
            slots={
                intent: {
                    name: (count + 1) / (self.committing[intent] + 2) for name, count in sorted(slots.items())
                }
                for intent, slots in sorted(self.slots.items())
            },
            searched={
                intent: (self.searched[intent] + 1) / (count + 2)
                for intent, count in sorted(self.committing.items())
            },
            hours={
                domain: tuple((hours[part] + 1) / (hours.total() + PARTS_OF_WEEK) for part in parts)
                for domain, hours in sorted(self.hours.items())
            },
        )


def _shares(counts: Counter[str]) -> dict[str, float]:
    total = counts.total()
    return {key: count / total for key, count in sorted(counts.items())}
