"""The risk class that the words of an intent's name suggest.

A word is a hint for intents that are not classified. It never proves that an intent is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from detector.contracts.decisions import RiskClass, strictest
from detector.policy.intent_names import key_of, readings

__all__ = ["Lexicon"]

#: A word of at least this length counts inside other letters: ``order`` in ``preordered``. Shorter
#: words occur there by chance.
_ANYWHERE = 5
#: A word of at least this length counts at the end of other letters: ``lock`` in ``smartlock``.
_AT_THE_END = 4
#: A word of at least this length counts across the words of a name: ``unlock`` in ``un_lock``.
_ACROSS = 6


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words by the class that they suggest, and ``harmless`` words that only resemble one of them.

    For example, ``clock`` is harmless although it ends in ``lock``. Every word counts by itself and
    at the beginning of a run of letters; longer ones also count at the end or inside.
    """

    words: Mapping[RiskClass, tuple[str, ...]] = field(default_factory=dict)
    harmless: tuple[str, ...] = ()
    _within: Mapping[RiskClass, re.Pattern[str]] = field(init=False, repr=False, compare=False)
    _across: Mapping[RiskClass, re.Pattern[str]] = field(init=False, repr=False, compare=False)
    _ignored: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        within = {risk: _any(map(_inside, words)) for risk, words in self.words.items()}
        across = {
            risk: _any(_forms(word) for word in words if len(word) >= _ACROSS)
            for risk, words in self.words.items()
        }
        object.__setattr__(self, "_within", within)
        object.__setattr__(self, "_across", across)
        object.__setattr__(
            self,
            "_ignored",
            frozenset(word + end for word in self.harmless for end in ("", "s")),
        )

    def suggests(self, intent: str) -> RiskClass | None:
        """Return the strictest class that a word of the name suggests, or ``None``."""
        words = " ".join(word for word in readings(intent) if word not in self._ignored)
        joined = key_of(intent)
        found = [
            risk
            for risk in self.words
            if self._within[risk].search(words) or self._across[risk].search(joined)
        ]
        return strictest(*found) if found else None


def _inside(word: str) -> str:
    if len(word) >= _ANYWHERE:
        return _forms(word)
    at_the_end = rf"|{word}s?\b" if len(word) >= _AT_THE_END else ""
    return rf"\b{_forms(word)}{at_the_end}"


def _forms(word: str) -> str:
    """Return an expression that also finds ``purchasing`` for ``purchase``."""
    return f"{word[:-1]}(?:e|ing)" if word.endswith("e") else word


def _any(expressions: Iterable[str]) -> re.Pattern[str]:
    """Return one expression for all of them; it matches nothing if there are none."""
    return re.compile("|".join(expressions) or r"(?!)")
