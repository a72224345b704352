"""Counts of commands and turns, of one household or of all, and the rates that follow from them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from detector.contracts.events import IntentEvent, domain_of

__all__ = [
    "BEGIN",
    "PARTS_OF_DAY",
    "Counts",
    "Everyone",
    "Symbol",
    "bits",
    "mixed",
    "part_of_day",
    "symbol_of",
]

#: A turn in a bigram: its intent and act.
Symbol = tuple[str, str]
Key = TypeVar("Key")
#: The turn before a household's first.
BEGIN: Symbol = ("", "")
#: Parts of three hours; finer ones are too thin for a dozen commands a day.
PARTS_OF_DAY = 8
_DAY = 86_400
#: What an unseen name counts among the commands of all households.
_UNSEEN = 0.5


def symbol_of(event: IntentEvent) -> Symbol:
    """Return the turn as a symbol of a bigram."""
    return event.intent, event.act.value


def part_of_day(event: IntentEvent) -> int:
    """Return the part of the local day, below ``PARTS_OF_DAY``."""
    return int(event.local_seconds % _DAY) * PARTS_OF_DAY // _DAY


def bits(probability: float) -> float:
    """Return the surprisal of a probability in bits; higher is rarer."""
    return -math.log2(probability)


def mixed(count: float, total: float, base: float, strength: float) -> float:
    """Return a rate with a Dirichlet prior: ``strength`` observations spread by ``base``.

    The name for language models is Bayesian smoothing (Zhai & Lafferty 2004, ACM TOIS 22).
    """
    return (count + strength * base) / (total + strength)


class Counts:
    """Counts of meant events: commands by intent, domain, device and hour, and pairs of turns."""

    def __init__(self) -> None:
        self.commands = 0
        self.turns = 0
        self.intents: Counter[str] = Counter()
        self.domains: Counter[str] = Counter()
        self.devices: Counter[str] = Counter()
        self.on_device: Counter[tuple[str, str]] = Counter()
        self.parts: Counter[int] = Counter()
        self.at_part: Counter[tuple[str, int]] = Counter()
        self.symbols: Counter[Symbol] = Counter()
        self.before: Counter[Symbol] = Counter()
        self.pairs: Counter[tuple[Symbol, Symbol]] = Counter()

    def learn(self, event: IntentEvent, previous: Symbol) -> None:
        """Count a meant event that followed ``previous``."""
        symbol = symbol_of(event)
        self.turns += 1
        self.symbols[symbol] += 1
        self.before[previous] += 1
        self.pairs[previous, symbol] += 1
        if event.commits:
            part = part_of_day(event)
            self.commands += 1
            self.intents[event.intent] += 1
            self.domains[event.domain] += 1
            self.devices[event.device_id] += 1
            self.on_device[event.device_id, event.intent] += 1
            self.parts[part] += 1
            self.at_part[event.intent, part] += 1


class Everyone:
    """The counts of all households of a training stream, which are the prior of each household."""

    def __init__(self, households: Mapping[str, Sequence[Sequence[IntentEvent]]]) -> None:
        self._counts = Counts()
        self._users: Counter[str] = Counter()
        self._households = max(len(households), 1)
        for sessions in households.values():
            previous, used = BEGIN, set[str]()
            for event in (event for session in sessions for event in session):
                self._counts.learn(event, previous)
                previous = symbol_of(event)
                used.add(event.intent)
            self._users.update(used)

    def intent(self, intent: str) -> float:
        """Return the intent's share of all commands."""
        return _share(self._counts.intents, intent, self._counts.commands)

    def domain(self, intent: str) -> float:
        """Return the share of all commands that belong to the intent's domain."""
        return _share(self._counts.domains, domain_of(intent), self._counts.commands)

    def users(self, intent: str) -> float:
        """Return the share of households that used the intent."""
        return self._users[intent] / self._households

    def part(self, part: int) -> float:
        """Return the share of all commands in a part of the day."""
        return mixed(self._counts.parts[part], self._counts.commands, 1.0 / PARTS_OF_DAY, 8.0)

    def part_of(self, intent: str, part: int) -> float:
        """Return the share of an intent's commands in a part of the day."""
        counts = self._counts
        return mixed(counts.at_part[intent, part], counts.intents[intent], self.part(part), 10.0)

    def symbol(self, symbol: Symbol) -> float:
        """Return the symbol's share of all turns."""
        return _share(self._counts.symbols, symbol, self._counts.turns)

    def after(self, previous: Symbol, symbol: Symbol) -> float:
        """Return the probability of a turn after the previous one."""
        counts = self._counts
        pair = counts.pairs[previous, symbol]
        return mixed(pair, counts.before[previous], self.symbol(symbol), 5.0)


def _share(counts: Counter[Key], key: Key, total: int) -> float:
    return (counts[key] + _UNSEEN) / (total + _UNSEEN * (len(counts) + 1))
