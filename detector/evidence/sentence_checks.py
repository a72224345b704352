"""The checks that the sentences of every evidence term must pass over the range of its values."""

from __future__ import annotations

import math
import re
import string

from detector.evidence.context import MISSING, Term
from detector.evidence.sentences import RARE, Sentences

__all__ = ["check_sentences", "values_of"]

#: Values at the ends of each unit's range and where the printed number changes its form.
_VALUES = {
    "0 or 1": (0.0, 1.0),
    "bits": (-1000.0, -3.6, -0.04, 0.0, 0.04, 0.06, 1.0, 3.6, 40.0, 1000.0),
    "probability": (0.0, 0.004, 0.3, 0.996, 1.0),
    "share": (0.0, 0.004, 0.3, 0.996, 1.0),
}
_COUNTS = (0.0, 0.4, 0.6, 1.0, 1.4, 1.6, 2.0, 50.0, 1000.0)
#: Words that judge a value, so that they cannot be true of all values.
_JUDGING = re.compile(r"\b(hardly|rare|rarer|rarely|unusual|usually|few|only|already|not|no)\b")
#: Words that call one thing rare by itself.
_RARE = re.compile(r"\b(hardly ever|rare|unusual)\b")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(%?)")


def values_of(term: Term) -> tuple[float, ...]:
    """Return values over the whole range of a term: its ends, both sides of its edge, and NaN."""
    values = _VALUES.get(term.unit, _COUNTS)
    if term.sentences is None or term.unit == "0 or 1":
        return (*values, MISSING)
    edge = term.sentences.edge
    return (*values, edge, math.nextafter(edge, -math.inf), MISSING)


def check_sentences(term: Term) -> None:
    """Check that a term is silent, or has a true and grammatical sentence for each of its values.

    A sentence begins with a capital, ends with a full stop and prints no other number than the
    magnitude of the value. A term in bits has one sentence for rare and another for usual values,
    because it may be negative, and a term of 0 or 1 has one for each. A sentence for all values
    judges none of them.

    Raises:
        AssertionError: the term violates the contract; the message says how.
    """
    if term.sentences is None:
        return
    _check_templates(term.name, term.unit, term.sentences)
    for value in values_of(term):
        text = term.text(value, "lights.TurnOn") or ""
        where = f"term {term.name} at {value}: {text!r}"
        _require(bool(re.fullmatch(r"[A-Z].*[^. ]\.", text)), f"{where} is no sentence")
        _require(not re.search(r"\bnan\b|\binf\b|  ", text), f"{where} is not readable")
        for number, percent in _NUMBER.findall(text):
            _require(_prints(number, percent, value), f"{where} prints another number")
            judged = value >= term.sentences.edge and term.sentences.low != term.sentences.high
            _require(float(number) != 0.0 or not judged, f"{where} judges zero")


def _check_templates(name: str, unit: str, sentences: Sentences) -> None:
    for template in (sentences.high, sentences.low):
        fields = {field for _, field, _, _ in string.Formatter().parse(template) if field}
        _require(
            fields <= {"value", "s", "intent"},
            f"term {name}: its sentences may only contain value, s and intent",
        )
        _require(not template.endswith("."), f"term {name}: its sentence already has a full stop")
        _require(
            "{value:.0f}" not in template or "{s}" in template,
            f"term {name}: its sentence lacks the plural ending {{s}}",
        )
    if sentences.high == sentences.low:
        _require(unit not in ("0 or 1", "bits"), f"term {name} needs two sentences")
        _require(not _JUDGING.search(sentences.high), f"term {name} judges all values alike")
    if unit == "0 or 1":
        _require(0.0 < sentences.edge <= 1.0, f"term {name} has one sentence for 0 and 1")
    elif unit == "bits" and _RARE.search(sentences.high):
        _require(sentences.edge >= RARE, f"term {name} calls less than {RARE} bits rare")


def _prints(number: str, percent: str, value: float) -> bool:
    """Return whether a printed number is the magnitude of ``value``, rounded."""
    shown = abs(value) * (100.0 if percent else 1.0)
    decimals = len(number.partition(".")[2])
    return number == f"{shown:.{decimals}f}"


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise AssertionError(sentence)
