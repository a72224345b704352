"""What a kind of misfire is, and the situation from which it makes its turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from detector.simulation.misfires.chain_library import ChainLibrary, Turn

__all__ = ["Kind", "Place", "Situation"]


class Place(Enum):
    """Where a misfire can occur."""

    #: Within a session, before it, or in a session of its own.
    ANYWHERE = auto()
    #: Right after a command of a session.
    AFTER_COMMAND = auto()
    #: Turn by turn between the turns of a session.
    AMONG_TURNS = auto()
    #: In place of a one-shot command of a session.
    INSTEAD = auto()


@dataclass(frozen=True, slots=True)
class Situation:
    """The context of a misfire.

    Attributes:
        household_id: the household.
        own_chains: the committed chains of its earlier sessions.
        chains_before: the committed chains of this session before the misfire, in order.
        replaced: the command that the misfire replaces, if the kind replaces one.
        library: turns and chains of other households.
        rng: source of randomness.
        severity: how much a misfire differs from meant commands, in [0, 1]; 0.5 is usual.
    """

    household_id: str
    own_chains: Sequence[tuple[Turn, ...]]
    chains_before: Sequence[tuple[Turn, ...]]
    replaced: Turn | None
    library: ChainLibrary
    rng: np.random.Generator
    severity: float = 0.5

    def pick(self, chains: Sequence[tuple[Turn, ...]]) -> tuple[Turn, ...]:
        """Draw one of ``chains``."""
        return chains[int(self.rng.integers(len(chains)))]

    def between(self, fewest: int, most: int) -> int:
        """Draw a number: uniform at the usual severity, and closer to ``most`` at higher ones."""
        share = self.rng.random() ** (2.0 * (1.0 - self.severity))
        return fewest + min(int(share * (most - fewest + 1)), most - fewest)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of misfire.

    Attributes:
        name: the name of the kind.
        meaning: one phrase that describes it.
        spoken: whether somebody talked to the assistant at all (misheard) or not (phantom).
        turns: creates the turns; empty if the kind cannot occur in the situation.
        place: where it can occur.
        usual: relative frequency in the default mixture.
        foreign: whether its turns are those of other households, so that the values of one-shot
            commands have to be replaced by the household's own (``own_values.py``).
    """

    name: str
    meaning: str
    spoken: bool
    turns: Callable[[Situation], tuple[Turn, ...]]
    place: Place = Place.ANYWHERE
    usual: float = 1.0
    foreign: bool = True
