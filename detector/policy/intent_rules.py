"""Mapping intents to risk classes by the rules of the policy.

1. A pattern without ``*`` names exactly one intent and takes precedence over everything else.
2. Any other pattern matches word by word and ignores numbers. A pattern of a strict class also
   matches with other words before its own or between them, and letter by letter where words run
   together. Patterns are tried by class, the strictest first, then the mild classes in the order of
   the file. If a word of the name suggests a stricter class, that class applies.
3. An intent that no pattern names is unclassified. It has the strictest of three classes: the one
   that its words suggest, the policy's class for unclassified intents, and the class of a pattern
   ``*``, which names no intent.
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

#: The form of a pattern: an intent with ``*`` for any words, or stars alone.
PATTERN_FORM = re.compile(r"[A-Za-z0-9_*]+\.[A-Za-z0-9_*]+|\*+")
#: Size of the cache of classified intents. Large assistants have a few hundred; the limit bounds
#: the memory that a client with invented names can use.
_MOST_KNOWN = 4096
_ANY_WORDS = "(?:[a-z0-9]+_)*"
_ANY_NUMBERS = "(?:[0-9]+_)*"


@dataclass(frozen=True, slots=True)
class Classified:
    """The class of an intent, and whether a rule of the policy names it."""

    risk: RiskClass
    named: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern with a star, as expressions for canonical names and, if strict, for keys."""

    risk: RiskClass
    word_pattern: re.Pattern[str]
    key_pattern: re.Pattern[str] | None

    @classmethod
    def of(cls, pattern: str, risk: RiskClass) -> _Rule:
        domain, _, name = pattern.partition(".")
        if risk in MILD:
            return cls(risk, re.compile(rf"{_part(domain)}\.{_part(name)}"), None)
        key_pattern = re.compile(translate(key_of(pattern)))
        return cls(risk, re.compile(rf"{_part(domain)}\.{_in_order(name)}"), key_pattern)

    def matches(self, canonical_name: str, key: str) -> bool:
        """Return whether it matches an intent by its ``canonical_name`` or by its ``key``."""
        if self.word_pattern.fullmatch(canonical_name):
            return True
        return self.key_pattern is not None and self.key_pattern.match(key) is not None


@dataclass(frozen=True, slots=True)
class IntentRules:
    """The policy's ``patterns`` in the order of the file, and its lexicon.

    ``unclassified`` is the class that an intent without a matching pattern has at least.
    """

    patterns: tuple[tuple[str, RiskClass], ...]
    lexicon: Lexicon = field(default_factory=Lexicon)
    unclassified: RiskClass = RiskClass.PHYSICAL
    _exact: Mapping[str, RiskClass] = field(init=False, repr=False, compare=False)
    _wild: tuple[_Rule, ...] = field(init=False, repr=False, compare=False)
    _least: RiskClass = field(init=False, repr=False, compare=False)
    #: Cache; an event is often classified more than once.
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
        """Return the class of an intent, ignoring case."""
        found = self._known.get(intent)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[intent] = self._classified(intent)
        return found

    def _classified(self, intent: str) -> Classified:
        key, canonical_name = key_of(intent), canonical(intent)
        exact = self._exact.get(key)
        if exact is not None:
            return Classified(exact, named=True)
        rule = next((rule.risk for rule in self._wild if rule.matches(canonical_name, key)), None)
        risk = rule or self._least
        return Classified(
            strictest(risk, self.lexicon.suggests(intent) or risk), named=rule is not None
        )


def _part(part: str) -> str:
    """Return an expression for the words of a part in sequence, with any words for each star."""
    return _ANY_WORDS.join("".join(map(_word, words_in(piece))) for piece in part.split("*"))


def _in_order(part: str) -> str:
    """Return an expression for the words in this order, with any words around and between them."""
    return _ANY_WORDS + "".join(f"{word}_{_ANY_WORDS}" for word in words_in(part))


def _word(word: str) -> str:
    return f"{word}_{_ANY_NUMBERS}"
