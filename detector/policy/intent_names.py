"""Taking the name of an intent apart into words: ``smartLock.turn_ON2`` is about a smart lock and says turn on.

A mild pattern matches word by word, so that ``*.Get*`` does not name ``Getaway``. Where a name may hide a word, it is read in several ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["canonical", "key_of", "readings", "words_in"]

#: ``HVACMode`` is HVAC and Mode, ``Mp3`` is Mp and 3.
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
#: ``PAYbill``: what is shouted is a word of its own, or begins with one.
_SHOUTED = re.compile(r"[A-Z]{2,}")
#: Digits that stand for letters: ``unl0ck``, and both letters that a 1 may be.
_LETTERS = tuple(str.maketrans("013457", letters) for letters in ("oieast", "oleast"))
#: Pieces of so many letters may be parts of one word whose letters are of mixed case: ``OpEn``, ``dOOR``.
_SHORT = 3
_BESIDE_A_LETTER = re.compile(r"(?<=[A-Za-z])\d|\d(?=[A-Za-z])")


def words_in(part: str) -> list[str]:
    """Return the words and numbers of a part of a name, in lower case.

    >>> words_in("HassTurnOn_2")
    ['hass', 'turn', 'on', '2']
    """
    return [word.lower() for word in _WORD.findall(part)]


def canonical(intent: str) -> str:
    """Return an intent as words that each end in an underscore, with a dot between domain and name.

    >>> canonical("restaurants_1.ReserveTable")
    'restaurants_1_.reserve_table_'
    """
    return ".".join("".join(f"{word}_" for word in words_in(part)) for part in intent.split("."))


def key_of(intent: str) -> str:
    """Return what two spellings of one name have in common.

    >>> key_of("lights.TurnOn") == key_of("Lights.turn_on")
    True
    """
    return intent.replace("_", "").lower()


def readings(intent: str) -> Iterator[str]:
    """Yield everything in an intent that may be a word, in lower case, as it is written and with letters for digits."""
    spelled = (_with_letters(intent, table) for table in _LETTERS)
    for said in dict.fromkeys((intent, *spelled)):
        for part in said.split("."):
            words = words_in(part)
            yield from words
            yield from _rejoined(words)
        yield from (word.lower() for word in _SHOUTED.findall(said))


def _rejoined(words: list[str]) -> Iterator[str]:
    """Yield what neighbouring short pieces are together, from each of them on: ``oPeN`` is also open, ``my_OpEn`` too."""
    together = ""
    for place in range(len(words) - 2, -1, -1):
        first, second = words[place], words[place + 1]
        if max(len(first), len(second)) <= _SHORT or min(len(first), len(second)) == 1:
            together = first + (together or second)
            yield together
        else:
            together = ""


def _with_letters(intent: str, table: dict[int, int]) -> str:
    return _BESIDE_A_LETTER.sub(lambda digit: digit[0].translate(table), intent)
