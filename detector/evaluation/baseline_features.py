"""What a household's counts say about a command: a row of features for each command of a stream.

The protocol is that of ``evaluate``: a command's row is complete before its label is known, and the
household learns from what was meant when its next conversation begins. The features contain no
count of all events so far, because that would reveal where misfires were put into a stream.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator

import numpy as np
import numpy.typing as npt

from detector.contracts.events import IntentEvent, domain_of
from detector.evaluation.baseline_counts import (
    BEGIN,
    Counts,
    Everyone,
    Symbol,
    bits,
    mixed,
    part_of_day,
    symbol_of,
)
from detector.household.conversations import with_conversations
from detector.policy.policy import Conversations

__all__ = ["FEATURES", "rows"]

Floats = npt.NDArray[np.float64]

#: ``_bits`` are surprisals and ``_lift`` differences of two, both in bits; higher is rarer.
#: ``_count``, ``_ago`` and ``gap`` (seconds) are base-2 logarithms of one plus the number.
FEATURES = (
    "never_here",
    "frequency_bits",
    "intent_bits",
    "domain_bits",
    "device_bits",
    "everywhere_bits",
    "everywhere_domain_bits",
    "users",
    "hour_bits",
    "hour_lift",
    "everywhere_hour_lift",
    "bigram_bits",
    "bigram_lift",
    "everywhere_bigram_lift",
    "intent_count",
    "domain_count",
    "device_count",
    "intent_ago",
    "domain_ago",
    "gap",
    "burst",
    "hour_commands",
    "day_commands",
    "same_intent",
    "same_domain",
    "hour",
    "turns",
)
_BURST, _HOUR, _DAY = 300.0, 3_600.0, 86_400.0


def rows(
    events: Iterable[IntentEvent],
    misfires: Collection[str],
    everyone: Everyone,
    conversations: Conversations,
) -> Iterator[tuple[IntentEvent, Floats]]:
    """Yield each committing event with its features, (len(FEATURES),); NaN is missing.

    Args:
        events: the stream, in order of time.
        misfires: ids of the events that were not meant; each is looked at after its row.
        everyone: the counts of other households.
        conversations: the rule that ends a conversation.
    """
    homes: dict[str, _Home] = {}
    for event, conversation in with_conversations(events, conversations):
        home = homes.setdefault(event.household_id, _Home(everyone))
        home.begin(conversation)
        row = home.hear(event)
        if row is not None:
            yield event, row
        home.remember(event, meant=event.event_id not in misfires)


class _Home:
    """One household: what it learned from meant events, and what it heard lately."""

    def __init__(self, everyone: Everyone) -> None:
        self._everyone = everyone
        self._learned = Counts()
        self._ago: dict[str, float] = {}
        self._since = math.inf
        self._conversation: object = None
        self._waiting: list[tuple[IntentEvent, Symbol]] = []
        self._previous: Symbol = BEGIN
        self._command = ""
        self._heard: list[float] = []
        self._chain: list[float] = []

    def begin(self, conversation: object) -> None:
        """Learn from the previous conversation if another one begins."""
        if conversation != self._conversation:
            for event, previous in self._waiting:
                self._learn(event, previous)
            self._conversation, self._waiting, self._chain = conversation, [], []

    def _learn(self, event: IntentEvent, previous: Symbol) -> None:
        self._learned.learn(event, previous)
        if event.commits:
            self._ago[event.intent] = self._ago[event.domain] = event.seconds

    def hear(self, event: IntentEvent) -> Floats | None:
        """Return the features of a committing event, or ``None``."""
        self._since = min(self._since, event.seconds)
        self._chain.append(bits(self._after(symbol_of(event))))
        if not event.commits:
            return None
        row = self._row(event)
        return np.array([row[name] for name in FEATURES])

    def remember(self, event: IntentEvent, *, meant: bool) -> None:
        """Put an event among what was heard, and keep a meant one to learn from."""
        if meant:
            self._waiting.append((event, self._previous))
        self._previous = symbol_of(event)
        if event.commits:
            self._command, self._chain = event.intent, []
            self._heard = [at for at in self._heard if event.seconds - at < _DAY]
            self._heard.append(event.seconds)

    def _symbol(self, symbol: Symbol) -> float:
        learned = self._learned
        return mixed(learned.symbols[symbol], learned.turns, self._everyone.symbol(symbol), 2.0)

    def _after(self, symbol: Symbol) -> float:
        """Return the probability of a turn under a bigram whose prior is household and everyone."""
        learned, previous = self._learned, self._previous
        base = 0.5 * self._symbol(symbol) + 0.5 * self._everyone.after(previous, symbol)
        return mixed(learned.pairs[previous, symbol], learned.before[previous], base, 2.0)

    def _row(self, event: IntentEvent) -> dict[str, float]:
        learned, everyone, intent = self._learned, self._everyone, event.intent
        count, commands = learned.intents[intent], learned.commands
        rate = mixed(count, commands, everyone.intent(intent), 1.0)
        on_device = learned.on_device[event.device_id, intent]
        part = part_of_day(event)
        at_hour = mixed(learned.at_part[intent, part], count, everyone.part_of(intent, part), 4.0)
        any_hour = mixed(learned.parts[part], commands, everyone.part(part), 4.0)
        symbol = symbol_of(event)
        heard, at = self._heard, event.seconds
        days = max(at - self._since, _DAY) / _DAY
        return {
            "never_here": float(count == 0),
            "frequency_bits": bits((count + 0.5) / (commands + 1.0)),
            "intent_bits": bits(rate),
            "domain_bits": bits(
                mixed(learned.domains[event.domain], commands, everyone.domain(intent), 2.0)
            ),
            "device_bits": bits(mixed(on_device, learned.devices[event.device_id], rate, 1.5)),
            "everywhere_bits": bits(everyone.intent(intent)),
            "everywhere_domain_bits": bits(everyone.domain(intent)),
            "users": everyone.users(intent),
            "hour_bits": bits(at_hour),
            "hour_lift": bits(at_hour / any_hour),
            "everywhere_hour_lift": bits(everyone.part_of(intent, part) / everyone.part(part)),
            "bigram_bits": max(self._chain),
            "bigram_lift": bits(self._after(symbol) / self._symbol(symbol)),
            "everywhere_bigram_lift": bits(
                everyone.after(self._previous, symbol) / everyone.symbol(symbol)
            ),
            "intent_count": math.log2(1 + count),
            "domain_count": math.log2(1 + learned.domains[event.domain]),
            "device_count": math.log2(1 + on_device),
            "intent_ago": self._seconds_since(intent, at),
            "domain_ago": self._seconds_since(event.domain, at),
            "gap": math.log2(1.0 + max(at - heard[-1], 0.0)) if heard else math.nan,
            "burst": self._heard_within(_BURST, at),
            "hour_commands": self._heard_within(_HOUR, at),
            "day_commands": self._heard_within(_DAY, at) / (1.0 + commands / days),
            "same_intent": float(intent == self._command),
            "same_domain": float(event.domain == domain_of(self._command)),
            "hour": event.local_seconds % _DAY / _HOUR,
            "turns": float(len(self._chain)),
        }

    def _heard_within(self, seconds: float, at: float) -> float:
        """Return the number of commands heard before, meant or not."""
        return float(sum(at - earlier < seconds for earlier in self._heard))

    def _seconds_since(self, name: str, at: float) -> float:
        """Return the seconds since the last meant use, as a logarithm; NaN if there was none."""
        return math.log2(1.0 + max(at - self._ago[name], 0.0)) if name in self._ago else math.nan
