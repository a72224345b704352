"""Challenge words: what background talk will not say by chance, and somebody who meant it can repeat.

The words are drawn by a keyed hash of the event's id (the key is the bundle's version), so that a replay asks for the same ones. They are
secret from nobody who reads the log; they need not be: they only have to be absent from what is said in a room.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

__all__ = ["WORDS", "challenge_words", "words_in"]

#: Two of 64 words: 4,032 pairs. None of them is a command's, a room's, a colour's, a name's or a number's; all are easily told apart.
WORDS: tuple[str, ...] = (
    *("abacus", "acrobat", "alchemy", "amulet", "anvil", "aqueduct", "badger", "bagpipe"),
    *("ballad", "bamboo", "barnacle", "beaver", "bobsled", "bonfire", "cactus", "catapult"),
    *("cathedral", "chimney", "cobweb", "compass", "coyote", "cymbal", "dolphin", "dragonfly"),
    *("dungeon", "eclipse", "emperor", "falcon", "fiddle", "flamingo", "fossil", "galaxy"),
    *("gargoyle", "geyser", "glacier", "gondola", "hammock", "harpoon", "hedgehog", "iceberg"),
    *("igloo", "jigsaw", "kangaroo", "lagoon", "lantern", "mammoth", "marble", "meteor"),
    *("molasses", "nutmeg", "octopus", "orchard", "pelican", "pendulum", "pyramid", "quiver"),
    *("raccoon", "scarecrow", "sphinx", "tadpole", "trombone", "volcano", "walrus", "zeppelin"),
)
_SAID = 2


def challenge_words(event_id: str, key: str, avoid: Iterable[str]) -> tuple[str, ...]:
    """Return the words to be said, different ones.

    Args:
        event_id: the event that is asked about.
        key: what only this installation knows well, such as the bundle's version.
        avoid: what this household usually says: intents, slot names and tokens. Tokens are hashes as a rule, and then rule nothing out.

    >>> challenge_words("e1", "b1", ()) == challenge_words("e1", "b1", ()) != challenge_words("e2", "b1", ())
    True
    """
    usual = " ".join(avoid).lower()
    free = [word for word in WORDS if word not in usual] or list(WORDS)
    digest = hashlib.blake2b(event_id.encode(), key=key.encode()[:64], digest_size=16).digest()
    number, said = int.from_bytes(digest, "big"), []
    for _ in range(min(_SAID, len(free))):
        number, place = divmod(number, len(free))
        said.append(free.pop(place))
    return tuple(said)


def words_in(text: str) -> tuple[str, ...]:
    """Return which of the words a recognised sentence holds, in its order; the rest of the sentence is left behind.

    >>> words_in("Uhm, falcon GLACIER please")
    ('falcon', 'glacier')
    """
    heard = "".join(letter if letter.isalpha() else " " for letter in text.lower()).split()
    return tuple(word for word in heard if word in WORDS)
