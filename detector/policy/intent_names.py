"""Splitting the name of an intent into words.

``smartLock.turn_ON2`` has the words smart, lock, turn, on and 2. Patterns of the mild classes match
whole words, so ``*.Get*`` does not match ``Getaway``. A name that may hide a word is split in
several ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["canonical", "key_of", "readings", "words_in"]

#: ``HVACMode`` is HVAC and Mode; ``Mp3`` is Mp and 3.
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
#: ``PAYbill``: a run of capitals is a word of its own, or the beginning of one.
_SHOUTED = re.compile(r"[A-Z]{2,}")
#: Digits used in place of letters, as in ``unl0ck``. A 1 is read as an i and as an l.
_DIGITS_AS_LETTERS = tuple(
    str.maketrans("013457", replacement) for replacement in ("oieast", "oleast")
)
#: Pieces up to this length may belong to one word in mixed case: ``OpEn``, ``dOOR``.
_SHORT = 3
_BESIDE_A_LETTER = re.compile(r"(?<=[A-Za-z])\d|\d(?=[A-Za-z])")


def words_in(part: str) -> list[str]:
    """Return the words and numbers in one part of a name, in lower case.

    >>> words_in("HassTurnOn_2")
    ['hass', 'turn', 'on', '2']
    """
    return [word.lower() for word in _WORD.findall(part)]


def canonical(intent: str) -> str:
    """Return an intent as words, each followed by an underscore, with the dot kept.

    >>> canonical("restaurants_1.ReserveTable")
    'restaurants_1_.reserve_table_'
    """
    return ".".join("".join(f"{word}_" for word in words_in(part)) for part in intent.split("."))


def key_of(intent: str) -> str:
    """Return the form that all spellings of one name share.

    >>> key_of("lights.TurnOn") == key_of("Lights.turn_on")
    True
    """
    return intent.replace("_", "").lower()


def readings(intent: str) -> Iterator[str]:
    """Yield everything in an intent that may be a word, in lower case.

    Digits between letters are read as digits and as letters.
    """
    spellings = (_digits_as_letters(intent, table) for table in _DIGITS_AS_LETTERS)
    for spelling in dict.fromkeys((intent, *spellings)):
        for part in spelling.split("."):
            words = words_in(part)
            yield from words
            yield from _rejoined(words)
        yield from (word.lower() for word in _SHOUTED.findall(spelling))


def _rejoined(words: list[str]) -> Iterator[str]:
    """Yield the neighbouring short pieces joined, from each piece on: ``oPeN`` yields open."""
    together = ""
    for place in range(len(words) - 2, -1, -1):
        first, second = words[place], words[place + 1]
        if max(len(first), len(second)) <= _SHORT or min(len(first), len(second)) == 1:
            together = first + (together or second)
            yield together
        else:
            together = ""


def _digits_as_letters(intent: str, table: dict[int, int]) -> str:
    return _BESIDE_A_LETTER.sub(lambda digit: digit[0].translate(table), intent)
