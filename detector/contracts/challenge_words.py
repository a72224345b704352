"""Challenge words, which a user repeats to confirm a command by voice.

Background talk is unlikely to contain them. A keyed hash of the event's id selects the words, and
the bundle's version is the key, so a replay selects the same words. The words are not secret:
anyone who can read the log can compute them. They only have to be absent from ordinary speech.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

__all__ = ["WORDS", "challenge_words", "words_in"]

#: Two of 64 words make 4,032 ordered pairs. The words sound different from each other, and none of
#: them is a command, a room, a colour, a name or a number.
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
_WORDS_PER_CHALLENGE = 2


def challenge_words(event_id: str, key: str, avoid: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct words that the user has to say.

    Args:
        event_id: the event to confirm.
        key: a value specific to this installation, such as the bundle's version.
        avoid: what this household usually says: intents, slot names and tokens. A word that
            occurs in one of them is not selected. Tokens are usually hashes and exclude nothing.

    >>> challenge_words("e1", "b1", ()) == challenge_words("e1", "b1", ())
    True
    >>> challenge_words("e1", "b1", ()) == challenge_words("e2", "b1", ())
    False
    """
    usual = " ".join(avoid).lower()
    free = [word for word in WORDS if word not in usual] or list(WORDS)
    digest = hashlib.blake2b(event_id.encode(), key=key.encode()[:64], digest_size=16).digest()
    number, selected = int.from_bytes(digest, "big"), []
    for _ in range(min(_WORDS_PER_CHALLENGE, len(free))):
        number, index = divmod(number, len(free))
        selected.append(free.pop(index))
    return tuple(selected)


def words_in(text: str) -> tuple[str, ...]:
    """Return the challenge words in a recognised sentence, in order, and drop all other words.

    >>> words_in("Uhm, falcon GLACIER please")
    ('falcon', 'glacier')
    """
    heard = "".join(letter if letter.isalpha() else " " for letter in text.lower()).split()
    return tuple(word for word in heard if word in WORDS)
