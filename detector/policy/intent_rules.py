"""Which risk class an intent is of, and whether a rule of the policy says so.

1. A pattern without ``*`` names one intent, and holds whatever its words are.
2. Any other pattern names what it matches word by word, whatever numbers stand between. A pattern of a strict class also matches with
   other words before its own or between them, and letter by letter where words run together. Strict classes come first, the strictest
   before the others, then the order of the file. Where the name's words suggest a stricter class, that one counts.
3. What no pattern names is unclassified. Its class is the strictest of those that its words suggest, the policy's for such intents, and
   that of a pattern ``*``, which names nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate

from detector.contracts.decisions import MILD, RiskClass, severity, strictest
from detector.policy.intent_names import canonical, key_of, words_in
from detector.policy.lexicon import Lexicon

__all__ = ["PATTERN_FORM", "Classified", "IntentRules"]

#: What a pattern looks like: an intent with ``*`` for any words, or nothing but stars.
PATTERN_FORM = re.compile(r"[A-Za-z0-9_*]+\.[A-Za-z0-9_*]+|\*+")
#: Intents whose class is remembered: large assistants have a few hundred, and a caller who invents names gets no more memory.
_MOST_KNOWN = 4096
_ANY_WORDS = "(?:[a-z0-9]+_)*"
_ANY_NUMBERS = "(?:[0-9]+_)*"


@dataclass(frozen=True, slots=True)
class Classified:
    """An intent's class, and whether a rule of the policy names the intent."""

    risk: RiskClass
    named: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern with a star: what it matches word by word, and letter by letter where it is of a strict class."""

    risk: RiskClass
    words: re.Pattern[str]
    letters: re.Pattern[str] | None

    @classmethod
    def of(cls, pattern: str, risk: RiskClass) -> _Rule:
        domain, _, name = pattern.partition(".")
        if risk in MILD:
            return cls(risk, re.compile(rf"{_part(domain)}\.{_part(name)}"), None)
        letters = re.compile(translate(key_of(pattern)))
        return cls(risk, re.compile(rf"{_part(domain)}\.{_in_order(name)}"), letters)

    def matches(self, said: str, key: str) -> bool:
        """Return whether it names an intent, of which ``said`` is the canonical form and ``key`` the letters."""
        if self.words.fullmatch(said):
            return True
        return self.letters is not None and self.letters.match(key) is not None


@dataclass(frozen=True, slots=True)
class IntentRules:
    """The policy's ``patterns`` with their classes, in the order of the file, its words, and the class of what no pattern names."""

    patterns: tuple[tuple[str, RiskClass], ...]
    lexicon: Lexicon = field(default_factory=Lexicon)
    unclassified: RiskClass = RiskClass.PHYSICAL
    _exact: Mapping[str, RiskClass] = field(init=False, repr=False, compare=False)
    _wild: tuple[_Rule, ...] = field(init=False, repr=False, compare=False)
    _least: RiskClass = field(init=False, repr=False, compare=False)
    #: What was looked up before: every event is, often more than once.
    _known: dict[str, Classified] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        exact: dict[str, RiskClass] = {}
        wild: list[_Rule] = []
        least = self.unclassified
        for pattern, risk in self.patterns:
            if "*" not in pattern:
                exact.setdefault(key_of(pattern), risk)
            elif pattern.strip("*."):
                wild.append(_Rule.of(pattern, risk))
            else:
                least = strictest(least, risk)
        wild.sort(key=lambda rule: 0 if rule.risk in MILD else -severity(rule.risk))
        object.__setattr__(self, "_exact", exact)
        object.__setattr__(self, "_wild", tuple(wild))
        object.__setattr__(self, "_least", least)

    def classify(self, intent: str) -> Classified:
        """Return an intent's class; upper and lower case make no difference."""
        found = self._known.get(intent)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[intent] = self._classified(intent)
        return found

    def _classified(self, intent: str) -> Classified:
        key, said = key_of(intent), canonical(intent)
        exact = self._exact.get(key)
        if exact is not None:
            return Classified(exact, named=True)
        rule = next((rule.risk for rule in self._wild if rule.matches(said, key)), None)
        risk = rule or self._least
        return Classified(
            strictest(risk, self.lexicon.suggests(intent) or risk), named=rule is not None
        )


def _part(part: str) -> str:
    """The words of a part one after the other, any words for each star."""
    return _ANY_WORDS.join("".join(map(_word, words_in(piece))) for piece in part.split("*"))


def _in_order(part: str) -> str:
    """The words of a part in this order, any words before, between and after them."""
    return _ANY_WORDS + "".join(f"{word}_{_ANY_WORDS}" for word in words_in(part))


def _word(word: str) -> str:
    return f"{word}_{_ANY_NUMBERS}"
