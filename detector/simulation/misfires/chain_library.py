"""A library of real turns and chains, from which misfires are made."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from detector.contracts.events import Act, IntentEvent, action_of, domain_of
from detector.simulation.misfires.confusions import affinities

__all__ = ["ChainLibrary", "Turn", "committed_chains"]

#: Pauses to keep; more would not change their distribution.
_MOST_GAPS = 20_000
#: The pause to use if no session has two turns, in seconds.
_USUAL_GAP = 12.0
#: Draws until the search for another value gives up.
_TRIES = 8


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn without a time, the building block of misfires."""

    intent: str
    act: Act
    slots: Mapping[str, str]
    commits: bool

    @classmethod
    def of(cls, event: IntentEvent) -> Turn:
        """Return an event without its time and place."""
        return cls(event.intent, event.act, event.slots, event.commits)

    @property
    def is_one_shot(self) -> bool:
        """Whether the turn is a whole command."""
        return self.commits and self.act is Act.INITIATE

    @property
    def heard_as(self) -> tuple[str, Act, bool]:
        """The turn without its slots: intent, act, and whether it commits."""
        return self.intent, self.act, self.commits


@dataclass(frozen=True, slots=True, eq=False)
class ChainLibrary:
    """Turns, commands and whole chains from a stream.

    Attributes:
        slots: for each (intent, act), the slots of each turn.
        commands: (n,) the committing intents.
        weights: (n,) the share of each command.
        one_shots: intents committed by the turn that initiated them.
        risky: those of ``one_shots`` that do harm if they are not meant.
        chains: (household id, committed chain) pairs.
        gaps: (k,) pauses between consecutive turns, in seconds.
    """

    slots: Mapping[tuple[str, Act], Sequence[Mapping[str, str]]]
    commands: tuple[str, ...]
    weights: npt.NDArray[np.float64]
    one_shots: frozenset[str]
    risky: frozenset[str]
    chains: Sequence[tuple[str, tuple[Turn, ...]]]
    gaps: npt.NDArray[np.float64]
    _by_command: Mapping[str, Sequence[tuple[Turn, ...]]] = field(init=False, repr=False)
    _begun: Sequence[str] = field(init=False, repr=False)
    _values: Mapping[str, Sequence[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_command: defaultdict[str, list[tuple[Turn, ...]]] = defaultdict(list)
        for _, chain in self.chains:
            by_command[chain[-1].intent].append(chain)
        values: defaultdict[str, list[str]] = defaultdict(list)
        for said in self.slots.values():
            for slots in said:
                for name, value in slots.items():
                    values[name].append(value)
        begun = [intent for intent, act in self.slots if act is Act.INITIATE]
        object.__setattr__(self, "_by_command", by_command)
        object.__setattr__(self, "_begun", begun or self.commands)
        object.__setattr__(self, "_values", values)

    @classmethod
    def from_sessions(
        cls,
        households: Mapping[str, Sequence[Sequence[IntentEvent]]],
        *,
        is_risky: Callable[[str], bool] = lambda _: False,
    ) -> ChainLibrary:
        """Collect the turns and chains of each household's sessions."""
        slots: defaultdict[tuple[str, Act], list[Mapping[str, str]]] = defaultdict(list)
        commands: Counter[str] = Counter()
        one_shots: set[str] = set()
        chains: list[tuple[str, tuple[Turn, ...]]] = []
        gaps: list[float] = []
        for household, sessions in households.items():
            for session in sessions:
                for event in session:
                    slots[event.intent, event.act].append(event.slots)
                    commands[event.intent] += event.commits
                    if event.commits and event.act is Act.INITIATE:
                        one_shots.add(event.intent)
                chains += [(household, chain) for chain in committed_chains(session)]
                gaps += [after.seconds - before.seconds for before, after in pairwise(session)]
        names = tuple(sorted(intent for intent, count in commands.items() if count))
        counts = np.array([commands[name] for name in names], dtype=float)
        return cls(
            dict(slots),
            names,
            counts / max(counts.sum(), 1.0),
            frozenset(one_shots),
            frozenset(filter(is_risky, one_shots)),
            chains,
            np.array(gaps[:_MOST_GAPS] or [_USUAL_GAP]),
        )

    def command(self, rng: np.random.Generator) -> str:
        """Draw a committing intent by its share."""
        return self.commands[int(rng.choice(len(self.commands), p=self.weights))]

    def risky_command(self, rng: np.random.Generator) -> str | None:
        """Draw a risky one-shot command by its share, or ``None`` without one."""
        chances = self.weights * [name in self.risky for name in self.commands]
        if not chances.any():
            return None
        return self.commands[int(rng.choice(len(self.commands), p=chances / chances.sum()))]

    def row(self, rng: np.random.Generator, most: int, *, outside: str) -> tuple[Turn, ...]:
        """Draw up to ``most`` one-shot commands that another household gave in a row.

        Empty if the drawn commands are not one-shot commands, or are of the household ``outside``.
        """
        begin = int(rng.integers(len(self.chains)))
        household = self.chains[begin][0]
        found: list[Turn] = []
        for other, chain in self.chains[begin : begin + int(rng.integers(1, most + 1))]:
            if other != household or other == outside or not chain[-1].is_one_shot:
                break
            found.append(chain[-1])
        return tuple(found)

    def confused_with(self, rng: np.random.Generator, meant: str) -> str | None:
        """Draw a command that a recogniser may mistake ``meant`` for, or ``None`` without one."""
        chances = self.weights * affinities(meant, self.commands)
        if not chances.any():
            return None
        return self.commands[int(rng.choice(len(self.commands), p=chances / chances.sum()))]

    def similar_to(self, rng: np.random.Generator, meant: str) -> str | None:
        """Draw a one-shot command with the domain or, as often, the action of ``meant``.

        Return ``None`` if there is no such command.
        """
        same = domain_of if rng.random() < 0.5 else action_of
        chances = self.weights * [
            name != meant and name in self.one_shots and same(name) == same(meant)
            for name in self.commands
        ]
        if not chances.any():
            return None
        return self.commands[int(rng.choice(len(self.commands), p=chances / chances.sum()))]

    def begun(self, rng: np.random.Generator) -> str:
        """Draw an initiated intent, committing or not, uniformly."""
        return self._begun[int(rng.integers(len(self._begun)))]

    def value(self, rng: np.random.Generator, name: str, *, instead: str) -> str | None:
        """Draw another value of a slot by its frequency, or ``None`` if others are too rare."""
        said = self._values.get(name, ())
        drawn = (said[int(rng.integers(len(said)))] for _ in range(_TRIES if said else 0))
        return next((value for value in drawn if value != instead), None)

    def chains_to(self, intent: str) -> Sequence[tuple[Turn, ...]]:
        """Return the chains that end with a command of ``intent``."""
        return self._by_command.get(intent, ())

    def turn(
        self, rng: np.random.Generator, intent: str, act: Act, *, commits: bool = False
    ) -> Turn:
        """Draw a turn of ``intent`` and ``act`` with real slots, or without if there are none."""
        said = self.slots.get((intent, act))
        return Turn(intent, act, said[int(rng.integers(len(said)))] if said else {}, commits)

    def gap(self, rng: np.random.Generator) -> float:
        """Draw a pause between two turns, in seconds."""
        return float(self.gaps[int(rng.integers(len(self.gaps)))])


def committed_chains(session: Sequence[IntentEvent]) -> list[tuple[Turn, ...]]:
    """Return the committed chains of a session.

    Each chain contains all preceding turns of its domain, including earlier commands.
    """
    chains = []
    for last, event in enumerate(session):
        if event.commits:
            first = last
            while first and domain_of(session[first - 1].intent) == event.domain:
                first -= 1
            said = session[first : last + 1]
            chains.append(tuple(map(Turn.of, said)))
    return chains
