"""The simulated kinds of misfire. To add one, write a ``Kind`` and list it in ``KINDS``.

A kind defines which turns the assistant heard and where they can occur. Pace and confidences are
the same for all kinds (``injection.py``), so only the chain itself identifies a kind.
"""

from __future__ import annotations

from detector.contracts.events import Act
from detector.simulation.misfires.chain_library import Turn
from detector.simulation.misfires.situation import Kind, Place, Situation

__all__ = ["ALL_KINDS", "KINDS"]

#: The most turns of a broadcast; the longest committed Schema-Guided chain has 17.
_LONGEST = 17


def _phantom_template(situation: Situation) -> tuple[Turn, ...]:
    library, rng = situation.library, situation.rng
    intent = library.command(rng)
    if intent in library.one_shots:
        return ()
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


def _risky(situation: Situation) -> tuple[Turn, ...]:
    library, rng = situation.library, situation.rng
    intent = library.risky_command(rng)
    return (library.turn(rng, intent, Act.INITIATE, commits=True),) if intent else ()


def _row(situation: Situation) -> tuple[Turn, ...]:
    return situation.library.row(situation.rng, 3, outside=situation.household_id)


def _swapped(situation: Situation) -> tuple[Turn, ...]:
    library, rng, meant = situation.library, situation.rng, situation.replaced
    if meant is None or not meant.is_one_shot:
        return ()
    heard = library.similar_to(rng, meant.intent)
    if heard is None:
        return ()
    return (library.turn(rng, heard, Act.INITIATE, commits=True),)


def _spliced(situation: Situation) -> tuple[Turn, ...]:
    chains = situation.library.chains
    for _ in range(8):
        household, chain = chains[int(situation.rng.integers(len(chains)))]
        if household != situation.household_id:
            return chain
    return ()


def _broadcast(situation: Situation) -> tuple[Turn, ...]:
    """Combine chains of several households by switching between them at equal turns."""
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
    """Initiate one intent after another, ignoring the assistant, until one is a command."""
    library, rng = situation.library, situation.rng
    begun = (library.begun(rng) for _ in range(situation.between(2, 6)))
    return (*(library.turn(rng, intent, Act.INITIATE) for intent in begun), *_one_shot(situation))


def _game(situation: Situation) -> tuple[Turn, ...]:
    library, rng = situation.library, situation.rng
    intent = library.command(rng)
    if intent in library.one_shots:
        return ()
    return (
        *(library.turn(rng, intent, Act.INITIATE) for _ in range(situation.between(2, 3))),
        Turn(intent, Act.AFFIRM, {}, commits=True),
    )


def _repeated(situation: Situation) -> tuple[Turn, ...]:
    """Repeat the end of the last executed command, or all of it, with its slots."""
    if not situation.chains_before:
        return ()
    chain = situation.chains_before[-1]
    again = chain[-situation.between(1, len(chain)) :]
    return (
        *(Turn(turn.intent, turn.act, turn.slots, commits=False) for turn in again[:-1]),
        again[-1],
    )


def _misheard(situation: Situation) -> tuple[Turn, ...]:
    """Continue a meant chain from a random turn on as a command that recognisers confuse it with.

    Slots keep their values if the other command has slots of the same name.
    """
    library, rng = situation.library, situation.rng
    if not situation.own_chains:
        return ()
    meant = situation.pick(situation.own_chains)
    heard = library.confused_with(rng, meant[-1].intent)
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
    """Repeat a meant chain with another value of one slot."""
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


# Kinds that are close to meant commands (a wrong detail, an echo) teach a judge to doubt meant
# commands. With equal shares of all kinds, recall of whole chains of other households at 1 % false
# interruptions fell from .83 to .73. Kinds with ``usual=0.0`` are therefore for tests only.
KINDS = (
    Kind(
        "phantom_template",
        "a command drawn by its frequency, made of turns that others said",
        False,
        _phantom_template,
    ),
    Kind("one_shot", "a command from one or two turns of background talk", False, _one_shot),
    Kind("risky", "a risky one-shot command, drawn by its frequency", False, _risky),
    Kind("row", "up to three one-shot commands that another home gave in a row", False, _row),
    Kind(
        "swapped",
        "a one-shot command, heard as another action of the domain or in another domain",
        True,
        _swapped,
        Place.INSTEAD,
    ),
    Kind(
        "spliced",
        "a whole chain of someone outside the household, such as a neighbour or a broadcast",
        False,
        _spliced,
    ),
    Kind(
        "broadcast",
        "a well-formed conversation from outside the household, as on television",
        False,
        _broadcast,
    ),
    Kind(
        "monologue",
        "one voice on television that starts one request after another",
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
        "the last executed command, heard again as an echo",
        False,
        _repeated,
        Place.AFTER_COMMAND,
        usual=0.0,
        foreign=False,
    ),
    Kind("game", "a command started again and again, as in a child's game", True, _game),
    Kind(
        "misheard",
        "a meant chain that is heard as another command from some turn on",
        True,
        _misheard,
        foreign=False,
    ),
    Kind(
        "wrong_detail",
        "a meant command with one detail misheard",
        True,
        _wrong_detail,
        usual=0.0,
        foreign=False,
    ),
)

ALL_KINDS: tuple[str, ...] = tuple(kind.name for kind in KINDS)
