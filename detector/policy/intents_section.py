"""Parsing the sections of a policy about intents: classes, words, and first uses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from detector.contracts.decisions import RiskClass
from detector.policy.intent_rules import PATTERN_FORM, IntentRules
from detector.policy.lexicon import Lexicon
from detector.policy.table_reader import Reader

__all__ = ["read_familiar", "read_harms", "read_intents"]

#: Shorter words are the beginning of too many others.
_WORD_FORM = re.compile(r"[a-z]{3,64}")


def read_intents(reader: Reader, table: Mapping[str, Any]) -> IntentRules:
    """Read ``[[intents]]`` and ``[unclassified]``.

    Without ``[unclassified]``, an intent that no pattern names is of the strictest class.
    """
    patterns = tuple(_patterns(reader, table))
    section = reader.table(table.get("unclassified", {}), "unclassified")
    reader.refuse_unknown(section, "unclassified.", {"class", "words", "harmless"})
    strict = RiskClass.PHYSICAL
    least = reader.choice(RiskClass, section.get("class", strict), "unclassified.class", strict)
    return IntentRules(patterns, _lexicon(reader, section), least)


def read_familiar(reader: Reader, table: Mapping[str, Any], lexicon: Lexicon) -> IntentRules:
    """Read ``[first_time]``: the physical commands that need no confirmation at their first use."""
    section = reader.table(table.get("first_time", {}), "first_time")
    reader.refuse_unknown(section, "first_time.", {"exempt"})
    return _named(reader, section.get("exempt", []), "first_time.exempt", lexicon)


def read_harms(
    reader: Reader, table: Mapping[str, Any], lexicon: Lexicon
) -> tuple[tuple[IntentRules, float], ...]:
    """Read ``[[harms]]``: intents whose misfires cost something else than those of their class."""
    harms = []
    for number, entry in enumerate(reader.tables(table.get("harms", []), "harms")):
        where = f"harms[{number}]"
        reader.refuse_unknown(entry, f"{where}.", {"harm", "patterns"})
        harm = reader.number(entry, where, "harm", 0.0, 1e9)
        harms.append((_named(reader, entry.get("patterns"), f"{where}.patterns", lexicon), harm))
    return tuple(harms)


def _named(reader: Reader, patterns: Any, where: str, lexicon: Lexicon) -> IntentRules:
    """Read patterns that only name intents; words of the lexicon still suggest a class."""
    found = tuple(
        (pattern, RiskClass.READ_ONLY)
        for pattern in reader.strings(patterns, where)
        if _is_pattern(reader, pattern, where)
    )
    return IntentRules(found, lexicon)


def _patterns(reader: Reader, table: Mapping[str, Any]) -> list[tuple[str, RiskClass]]:
    patterns = []
    for number, entry in enumerate(reader.tables(table.get("intents", []), "intents")):
        where = f"intents[{number}]"
        reader.refuse_unknown(entry, f"{where}.", {"class", "patterns"})
        risk = reader.choice(RiskClass, entry.get("class"), f"{where}.class", RiskClass.PHYSICAL)
        for pattern in reader.strings(entry.get("patterns"), f"{where}.patterns"):
            _is_pattern(reader, pattern, f"{where}.patterns")
            patterns.append((pattern, risk))
    return patterns


def _is_pattern(reader: Reader, pattern: str, where: str) -> bool:
    """Return whether a pattern has the right form; report a problem if not."""
    if PATTERN_FORM.fullmatch(pattern):
        return True
    reader.problem(
        f"{where} has {pattern!r}: write an intent as 'domain.Name', with * for any words", None
    )
    return False


def _lexicon(reader: Reader, section: Mapping[str, Any]) -> Lexicon:
    words: dict[RiskClass, tuple[str, ...]] = {}
    for number, entry in enumerate(reader.tables(section.get("words", []), "unclassified.words")):
        where = f"unclassified.words[{number}]"
        reader.refuse_unknown(entry, f"{where}.", {"class", "words"})
        risk = reader.choice(RiskClass, entry.get("class"), f"{where}.class", RiskClass.PHYSICAL)
        words[risk] = (*words.get(risk, ()), *_words(reader, entry.get("words"), f"{where}.words"))
    harmless = _words(reader, section.get("harmless", []), "unclassified.harmless")
    return Lexicon(words, harmless)


def _words(reader: Reader, value: Any, where: str) -> tuple[str, ...]:
    found = reader.strings(value, where)
    for word in found:
        if not _WORD_FORM.fullmatch(word):
            reader.problem(
                f"{where} has {word!r}: write words of 3 or more lowercase letters", None
            )
    return tuple(word for word in found if _WORD_FORM.fullmatch(word))
