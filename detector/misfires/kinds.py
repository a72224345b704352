"""The kinds of misfire that are simulated. To add one, write a ``Kind`` and list it in ``KINDS``.

A kind only says which turns the assistant believes to have heard; where they go, at which pace and with which confidences is the
same for all of them (``injection.py``), so that nothing but the chain itself tells a kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from detector.events import Act
from detector.misfires.library import ChainLibrary, Turn

__all__ = ["ALL_KINDS", "KINDS", "Kind", "Situation"]

#: Turns of a broadcast at most; the longest committed Schema-Guided chain has 17.
_LONGEST = 17


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a misfire happens: the household, the committed chains that it has said itself, and what everybody said."""

    household_id: str
    own_chains: Sequence[tuple[Turn, ...]]
    library: ChainLibrary
    rng: np.random.Generator

    def pick(self, chains: Sequence[tuple[Turn, ...]]) -> tuple[Turn, ...]:
        """Draw one of ``chains``."""
        return chains[int(self.rng.integers(len(chains)))]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of misfire. ``spoken`` says whether somebody talked to the assistant at all (phantom or misheard)."""

    name: str
    meaning: str
    spoken: bool
    turns: Callable[[Situation], tuple[Turn, ...]]


def _phantom_template(situation: Situation) -> tuple[Turn, ...]:
    library, rng = situation.library, situation.rng
    intent = library.command(rng)
    informs = int(rng.choice((1, 1, 2)))
    return (
        library.turn(rng, intent, Act.INITIATE),
        *(library.turn(rng, intent, Act.INFORM) for _ in range(informs)),
        Turn(intent, Act.AFFIRM, {}, commits=True),
    )


def _one_shot(situation: Situation) -> tuple[Turn, ...]:
    library, rng = situation.library, situation.rng
    intent = library.command(rng)
    if intent in library.one_shots:
        return (library.turn(rng, intent, Act.INITIATE, commits=True),)
    return (library.turn(rng, intent, Act.INITIATE), Turn(intent, Act.AFFIRM, {}, commits=True))


def _spliced(situation: Situation) -> tuple[Turn, ...]:
    chains = situation.library.chains
    for _ in range(8):
        household, chain = chains[int(situation.rng.integers(len(chains)))]
        if household != situation.household_id:
            return chain
    return _phantom_template(situation)


def _broadcast(situation: Situation) -> tuple[Turn, ...]:
    """Put together turn by turn from different households' chains: after each turn goes on whoever said the same one."""
    library, rng = situation.library, situation.rng
    chains = library.chains_to(library.command(rng))
    if not chains:
        return _phantom_template(situation)
    chain, place, known = situation.pick(chains), 0, set[str]()
    turns: list[Turn] = []
    while place < len(chain) and len(turns) < _LONGEST:
        turn = chain[place]
        new = {name: value for name, value in turn.slots.items() if name not in known or turn.act is Act.DENY}
        turns.append(Turn(turn.intent, turn.act, new, turn.commits))
        known |= new.keys()
        other = situation.pick(chains)
        same = [number for number, said in enumerate(other[:-1]) if said.heard_as == turn.heard_as]
        if same:
            chain, place = other, same[int(rng.integers(len(same)))]
        place += 1
    return tuple(turns)


def _game(situation: Situation) -> tuple[Turn, ...]:
    library, rng = situation.library, situation.rng
    intent = library.command(rng)
    again = int(rng.integers(2, 4))
    return (
        *(library.turn(rng, intent, Act.INITIATE) for _ in range(again)),
        Turn(intent, Act.AFFIRM, {}, commits=True),
    )


def _misheard(situation: Situation) -> tuple[Turn, ...]:
    """The chain begins as it was meant; from a random turn on it is heard as another command."""
    library, rng = situation.library, situation.rng
    if not situation.own_chains:
        return _phantom_template(situation)
    meant = situation.pick(situation.own_chains)
    heard = library.command(rng)
    if heard == meant[-1].intent:
        return _phantom_template(situation)
    if len(meant) == 1:
        return (Turn(heard, meant[0].act, library.turn(rng, heard, meant[0].act).slots, commits=True),)
    turning = int(rng.integers(1, len(meant)))
    return (
        *(Turn(turn.intent, turn.act, turn.slots, commits=False) for turn in meant[:turning]),
        *(library.turn(rng, heard, turn.act) for turn in meant[turning:-1]),
        Turn(heard, meant[-1].act, {}, commits=True),
    )


KINDS = (
    Kind(
        "phantom_template",
        "a command drawn by its frequency, made of turns that others said",
        False,
        _phantom_template,
    ),
    Kind("one_shot", "a command out of one or two turns of background talk", False, _one_shot),
    Kind(
        "spliced",
        "a whole chain that somebody else really said, such as a neighbour or a broadcast",
        False,
        _spliced,
    ),
    Kind(
        "broadcast",
        "a well-formed conversation that nobody in the home has, as on television",
        False,
        _broadcast,
    ),
    Kind("game", "a command begun again and again, as in a child's game", True, _game),
    Kind(
        "misheard",
        "a chain that begins as it was meant and is heard as another command half-way",
        True,
        _misheard,
    ),
)

ALL_KINDS: tuple[str, ...] = tuple(kind.name for kind in KINDS)
