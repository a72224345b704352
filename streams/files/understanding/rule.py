"""Rules of ``rules.toml``: the intent of a text that has the words of a rule."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from streams.files.understanding.understood import Understood

__all__ = ["Rule", "first_match", "rules_of"]

#: A reference to a list of words; a named group begins with ``?P<``.
_REFERENCE = re.compile(r"(?<!\?P)<([a-z_]+)>")


@dataclass(frozen=True, slots=True)
class Rule:
    """An intent and the expressions that must all match, in any order.

    The named groups of the expressions are the slots.
    """

    intent: str
    parts: tuple[re.Pattern[str], ...]

    def match(self, text: str) -> Understood | None:
        """Return the intent with its slots, or ``None`` if a part does not match."""
        slots: dict[str, str] = {}
        for part in self.parts:
            found = part.search(text)
            if found is None:
                return None
            slots |= {name: words for name, words in found.groupdict().items() if words}
        return Understood(self.intent, slots)


def first_match(rules: Iterable[Rule], text: str) -> Understood | None:
    """Return the result of the first rule that matches."""
    return next((found for each in rules if (found := each.match(text)) is not None), None)


def rules_of(group: str) -> tuple[Rule, ...]:
    """Return the rules of a group of ``rules.toml``, in their order.

    >>> first_match(rules_of("planning"), "set an alarm")
    Understood(intent='alarms.SetAlarm', slots={})
    """
    return _groups()[group]


@cache
def _groups() -> Mapping[str, tuple[Rule, ...]]:
    document = tomllib.loads(
        files("streams.files.understanding").joinpath("rules.toml").read_text("utf-8")
    )
    words = {name: "|".join(each) for name, each in document.pop("words").items()}
    return {
        group: tuple(_rule(entry, words) for entry in entries)
        for group, entries in document.items()
    }


def _rule(entry: Mapping[str, Any], words: Mapping[str, str]) -> Rule:
    def expression(choices: Iterable[str], begin: str, end: str) -> re.Pattern[str]:
        plain = _REFERENCE.sub(lambda found: words[found[1]], "|".join(choices))
        return re.compile(rf"{begin}(?:{plain}){end}")

    parts = [expression(choices, r"(?<!\w)", r"(?!\w)") for choices in entry.get("has", ())]
    if "starts" in entry:
        parts.insert(0, expression(entry["starts"], "^", r"(?!\w)"))
    if "is" in entry:
        parts.insert(0, expression(entry["is"], "^", "$"))
    return Rule(entry["intent"], tuple(parts))
