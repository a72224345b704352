"""Text to intent: rules for one language, and Home Assistant's sentences in many."""

from __future__ import annotations

from functools import lru_cache

from streams.files.understanding.assist import Sentences
from streams.files.understanding.home_rules import home_request
from streams.files.understanding.rule import first_match, rules_of
from streams.files.understanding.understood import OTHER, Understood
from streams.files.understanding.wording import LONGEST_TEXT, reduced

__all__ = ["Understanding"]

#: Texts whose intent is remembered. A home says a few thousand different things in a year.
_REMEMBERED = 20_000
#: hassil parses each sentence at its first use, so all readers of a process share them.
_sentences = lru_cache(maxsize=4)(Sentences)


class Understanding:
    """Finds the intent of a text. It remembers texts in memory and keeps none.

    Args:
        language: a language of home-assistant-intents. The rules are in English; in other
            languages, only Home Assistant's sentences are understood.

    Raises:
        UsageError: the language is unknown.
    """

    def __init__(self, language: str = "en") -> None:
        self._sentences = _sentences(language)
        self._has_rules = language.partition("-")[0] == "en"
        self._remembered = lru_cache(_REMEMBERED)(self._understand)

    @staticmethod
    def is_command(text: str) -> bool:
        """Return whether a text has more than a wake word."""
        return bool(reduced(text))

    def of(self, text: str) -> Understood:
        """Return the intent of a text; ``other.Request`` if it is not understood."""
        return self._remembered(reduced(text))

    def _understand(self, text: str) -> Understood:
        if not text or len(text) > LONGEST_TEXT:
            return Understood(OTHER)
        found = self._by_rules(text) if self._has_rules else self._sentences.understood(text)
        return found or Understood(OTHER)

    def _by_rules(self, text: str) -> Understood | None:
        return (
            first_match(rules_of("talk"), text)
            or first_match(rules_of("media"), text)
            or self._sentences.understood(text)
            or first_match(rules_of("people"), text)
            or first_match(rules_of("planning"), text)
            or home_request(text)
            or first_match(rules_of("play"), text)
            or first_match(rules_of("questions"), text)
        )
