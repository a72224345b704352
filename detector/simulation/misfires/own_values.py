"""The slot values that a misfire has in a household that gives one-shot commands.

A runtime resolves a room or a device to those that the home has, whatever was heard, and a search
or a message contains words that were not said before. A misfire therefore has a known value of a
slot about as often as the household's meant commands have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from detector.contracts.events import domain_of
from detector.simulation.misfires.chain_library import Turn

__all__ = ["OwnValues"]


@dataclass(slots=True)
class _Said:
    """The values of one slot: each use, and how many uses repeated an earlier value."""

    uses: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    repeated: int = 0

    def add(self, value: str) -> None:
        self.repeated += value in self.known
        self.known.add(value)
        self.uses.append(value)

    def draw(self, foreign: str, rng: np.random.Generator) -> str:
        """Draw one of the uses as often as they repeat; otherwise return the foreign value."""
        if rng.random() * (len(self.uses) + 1) >= self.repeated + 1:
            return foreign
        return self.uses[int(rng.integers(len(self.uses)))]


@dataclass(slots=True)
class OwnValues:
    """What a household has said in its slots so far."""

    _said: defaultdict[tuple[str, str], _Said] = field(default_factory=lambda: defaultdict(_Said))
    _domains: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, intent: str, slots: Mapping[str, str]) -> None:
        """Add the slots of one meant turn."""
        domain = domain_of(intent)
        for name, value in slots.items():
            for context in (intent, domain):
                self._said[context, name].add(value)
            # A room is one of every domain; the name of a device is not.
            if self._domains.setdefault((name, value), domain) != domain:
                self._said["", name].add(value)

    def localised(self, turn: Turn, rng: np.random.Generator) -> Turn:
        """Return a turn with the household's values of the intent, its domain, or any room."""
        slots = {}
        for name, foreign in turn.slots.items():
            contexts = ((context, name) for context in (turn.intent, domain_of(turn.intent), ""))
            said = next((self._said[each] for each in contexts if each in self._said), None)
            slots[name] = foreign if said is None else said.draw(foreign, rng)
        return replace(turn, slots=slots)
