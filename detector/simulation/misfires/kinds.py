"""The kinds of misfire that are simulated. To add one, write a ``Kind`` and list it in ``KINDS``.

A kind says which turns the assistant believes to have heard, and where it can happen; the pace and the confidences are the same for
all of them (``injection.py``), so that nothing but the chain itself tells a kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from detector.contracts.events import Act
from detector.simulation.misfires.chain_library import ChainLibrary, Turn

__all__ = ["ALL_KINDS", "KINDS", "Kind", "Place", "Situation"]

#: Turns of a broadcast at most; the longest committed Schema-Guided chain has 17.
_LONGEST = 17


class Place(Enum):
    """Where a misfire can happen."""

    #: Within a session, before it, or between two of them.
    ANYWHERE = auto()
    #: Right after a command of a session.
    AFTER_COMMAND = auto()
    #: Turn by turn among the turns of a session.
    AMONG_TURNS = auto()


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a misfire happens.

    Attributes:
        household_id: the household.
        own_chains: the committed chains that it has said itself in earlier sessions.
        chains_before: those of the present session up to the misfire, the last one last.
        library: what everybody said.
        rng: decides everything that is random.
        severity: from 0 to 1, how far a misfire is from something that was meant; 0.5 is usual.
    """

    household_id: str
    own_chains: Sequence[tuple[Turn, ...]]
    chains_before: Sequence[tuple[Turn, ...]]
    library: ChainLibrary
    rng: np.random.Generator
    severity: float = 0.5

    def pick(self, chains: Sequence[tuple[Turn, ...]]) -> tuple[Turn, ...]:
        """Draw one of ``chains``."""
        return chains[int(self.rng.integers(len(chains)))]

    def between(self, fewest: int, most: int) -> int:
        """Draw a number, each as likely at the usual severity; the more severe, the nearer to ``most``."""
        share = self.rng.random() ** (2.0 * (1.0 - self.severity))
        return fewest + min(int(share * (most - fewest + 1)), most - fewest)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of misfire.

    ``spoken`` says whether somebody talked to the assistant at all (phantom or misheard). ``turns`` are none where the kind cannot
    happen, such as a command that is heard again where there was none. ``usual`` is how often it is drawn beside the others where
    nobody asks for another mixture.
    """

    name: str
    meaning: str
    spoken: bool
    turns: Callable[[Situation], tuple[Turn, ...]]
    place: Place = Place.ANYWHERE
    usual: float = 1.0


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
    return ()


def _broadcast(situation: Situation) -> tuple[Turn, ...]:
    """Put together turn by turn from different households' chains: after each turn goes on whoever said the same one."""
    library, rng = situation.library, situation.rng
    chains = library.chains_to(library.command(rng))
    chain, place, known = situation.pick(chains), 0, set[str]()
    turns: list[Turn] = []
    while place < len(chain) and len(turns) < _LONGEST:
        turn = chain[place]
        new = {
            name: value
            for name, value in turn.slots.items()
            if name not in known or turn.act is Act.DENY
        }
        turns.append(Turn(turn.intent, turn.act, new, turn.commits))
        known |= new.keys()
        other = situation.pick(chains)
        same = [number for number, said in enumerate(other[:-1]) if said.heard_as == turn.heard_as]
        if same:
            chain, place = other, same[int(rng.integers(len(same)))]
        place += 1
    return tuple(turns)


def _monologue(situation: Situation) -> tuple[Turn, ...]:
    """One thing after another is begun, whatever the assistant asks, until one of them is a command."""
    library, rng = situation.library, situation.rng
    begun = (library.begun(rng) for _ in range(situation.between(2, 6)))
    return (*(library.turn(rng, intent, Act.INITIATE) for intent in begun), *_one_shot(situation))


def _game(situation: Situation) -> tuple[Turn, ...]:
    library, rng = situation.library, situation.rng
    intent = library.command(rng)
    return (
        *(library.turn(rng, intent, Act.INITIATE) for _ in range(situation.between(2, 3))),
        Turn(intent, Act.AFFIRM, {}, commits=True),
    )


def _repeated(situation: Situation) -> tuple[Turn, ...]:
    """The end of the command that has just been run, or all of it, with all that was said."""
    if not situation.chains_before:
        return ()
    chain = situation.chains_before[-1]
    again = chain[-situation.between(1, len(chain)) :]
    return (
        *(Turn(turn.intent, turn.act, turn.slots, commits=False) for turn in again[:-1]),
        again[-1],
    )


def _misheard(situation: Situation) -> tuple[Turn, ...]:
    """The chain begins as it was meant; from a random turn on it is heard as a command that recognisers take it for.

    What was said stays what it was where the other command has a slot of that name.
    """
    library, rng = situation.library, situation.rng
    if not situation.own_chains:
        return ()
    meant = situation.pick(situation.own_chains)
    heard = library.heard_for(rng, meant[-1].intent)
    if heard is None:
        return ()
    right = len(meant) - situation.between(1, max(len(meant) - 1, 1))
    wrong = []
    for turn in meant[right:]:
        last = turn is meant[-1]
        silent = last and len(meant) > 1
        slots = {} if silent else library.turn(rng, heard, turn.act).slots
        kept = {name: turn.slots.get(name, value) for name, value in slots.items()}
        wrong.append(Turn(heard, turn.act, kept, commits=last))
    return (
        *(Turn(turn.intent, turn.act, turn.slots, commits=False) for turn in meant[:right]),
        *wrong,
    )


def _wrong_detail(situation: Situation) -> tuple[Turn, ...]:
    """A chain as it was meant, but for the value of one of its slots."""
    details = [
        (chain, number, name)
        for chain in situation.own_chains
        for number, turn in enumerate(chain)
        for name in turn.slots
    ]
    if not details:
        return ()
    rng = situation.rng
    chain, place, name = details[int(rng.integers(len(details)))]
    other = situation.library.value(rng, name, instead=chain[place].slots[name])
    if other is None:
        return ()
    return tuple(
        Turn(
            turn.intent,
            turn.act,
            {**turn.slots, name: other} if number == place else turn.slots,
            commits=turn is chain[-1],
        )
        for number, turn in enumerate(chain)
    )


# What is nearly what was meant (a detail, an echo) teaches a judge to doubt what is meant: learned from as often as the rest, all kinds
# together lowered recall at 1 % false interruptions from .83 to .73 on whole chains of other households, so that they are for tests.
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
    Kind(
        "monologue",
        "one voice on television that begins one thing after another",
        False,
        _monologue,
        usual=0.0,
    ),
    Kind(
        "interleaved",
        "a conversation on television, heard turn by turn between the turns of a real one",
        False,
        _broadcast,
        Place.AMONG_TURNS,
        usual=0.0,
    ),
    Kind(
        "repeated",
        "the command that has just been run, heard again as an echo",
        False,
        _repeated,
        Place.AFTER_COMMAND,
        usual=0.0,
    ),
    Kind("game", "a command begun again and again, as in a child's game", True, _game),
    Kind(
        "misheard",
        "a chain that begins as it was meant and is heard as another command half-way",
        True,
        _misheard,
    ),
    Kind(
        "wrong_detail",
        "a command as it was meant, with one detail heard as another",
        True,
        _wrong_detail,
        usual=0.0,
    ),
)

ALL_KINDS: tuple[str, ...] = tuple(kind.name for kind in KINDS)
