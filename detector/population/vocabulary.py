"""The mapping of events to symbols: one per (intent, act) in training, and one for all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from detector.contracts.events import Act, IntentEvent

__all__ = ["Vocabulary"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The symbols of a sequence model, in a fixed order.

    >>> vocabulary = Vocabulary((("lights.TurnOn", "initiate"),))
    >>> vocabulary.index("lights.TurnOn", "initiate"), vocabulary.index("ovens.Ignite", "initiate")
    (0, 1)
    """

    symbols: tuple[tuple[str, str], ...]
    _index: dict[tuple[str, str], int] = field(init=False, repr=False, compare=False)
    _intents: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "_index", {symbol: number for number, symbol in enumerate(self.symbols)}
        )
        acts = {act.value for act in Act}
        known = frozenset(intent for intent, act in self.symbols if act in acts)
        object.__setattr__(self, "_intents", known)

    @classmethod
    def of(cls, events: Iterable[IntentEvent]) -> Vocabulary:
        """Return the vocabulary of ``events``, the most frequent symbol first, then by name."""
        counts = Counter((event.intent, event.act.value) for event in events)
        return cls(tuple(sorted(counts, key=lambda symbol: (-counts[symbol], symbol))))

    @property
    def size(self) -> int:
        """Number of symbols, including the unseen one."""
        return len(self.symbols) + 1

    @property
    def unseen(self) -> int:
        """The symbol of every (intent, act) that training did not see."""
        return len(self.symbols)

    def index(self, intent: str, act: str | Act) -> int:
        """Return the number of a symbol, or ``unseen``."""
        # Act is a StrEnum, so that its members equal the strings in the keys.
        return self._index.get((intent, act), len(self.symbols))

    def name(self, symbol: int) -> tuple[str, str]:
        """Return the (intent, act) of a symbol; two empty strings for ``unseen``."""
        return self.symbols[symbol] if symbol < len(self.symbols) else ("", "")

    def acts(self, symbols: Iterable[int]) -> list[str]:
        """Return the act of each symbol, as ``name`` does."""
        known = self.symbols
        return [known[symbol][1] if symbol < len(known) else "" for symbol in symbols]

    def knows_intent(self, intent: str) -> bool:
        """Return whether training saw this intent with any act."""
        return intent in self._intents
