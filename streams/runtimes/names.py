"""Names of a runtime as names of the contract: intents, slots and ids. Pure functions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from detector.contracts.events import (
    ID_FORM,
    INTENT_FORM,
    MAX_SLOTS,
    MAX_TOKEN_LENGTH,
    STRUCTURAL_NAMES,
)

__all__ = ["identifier", "intent_of", "slots_of"]

#: The longest part of an intent, before or after the dot.
_PART = 64
#: Hexadecimal digits that keep two shortened names apart.
_DIGITS = 12
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]+")
#: ``skill:name``, ``domain.Name`` and ``scenario/name`` have two parts.
_SEPARATOR = re.compile(r"[:./]")


def intent_of(name: str, domain: str = "assistant") -> str:
    """Return a runtime's intent as ``domain.Name``.

    Names that differ stay different: a name that had to be shortened, or that has no Latin letters,
    ends in a hash. The policy knows no rule for such a name, so its command needs a confirmation.

    Args:
        name: the runtime's name of the intent.
        domain: the domain of a name that has none.

    >>> intent_of("AMAZON.StopIntent"), intent_of("TurnOnLight", "lights")
    ('AMAZON.StopIntent', 'lights.TurnOnLight')
    >>> intent_of("ovos-skill-alerts.openvoiceos:CreateAlarm.intent")
    'ovos_skill_alerts_openvoiceos.CreateAlarm'
    """
    if INTENT_FORM.fullmatch(name):
        return name
    bare = name.removesuffix(".intent")
    skill, colon, rest = bare.partition(":")
    if not colon:
        first, *others = _SEPARATOR.split(bare, maxsplit=1)
        skill, rest = (first, others[0]) if others else (domain, first)
    return f"{_part(skill or domain)}.{_part(rest)}"


def slots_of(values: Mapping[str, object]) -> dict[str, str]:
    """Return a runtime's slots with valid names and text values, without the empty ones.

    A value that is too long becomes its hash: it only has to equal itself. Of more slots than the
    contract allows, the first ones by name remain.
    """
    found: dict[str, str] = {}
    for name, value in sorted(values.items(), key=lambda pair: str(pair[0])):
        text = value if isinstance(value, str) else "" if value is None else _as_text(value)
        if text and len(found) < MAX_SLOTS:
            found[_slot(str(name))] = text if len(text) <= MAX_TOKEN_LENGTH else _hash(text, 32)
    return found


def identifier(text: str) -> str:
    """Return an id of the contract: the text itself if it is one, otherwise its hash."""
    return text if ID_FORM.fullmatch(text) else f"id-{_hash(text, 2 * _DIGITS)}"


def _slot(name: str) -> str:
    part = _part(name)
    return f"slot_{part[: _PART - 5]}" if part.lower() in STRUCTURAL_NAMES else part


def _part(name: str) -> str:
    plain = _NOT_IN_NAMES.sub("_", name).strip("_")
    if not plain[:1].isalpha():
        plain = f"x_{plain}".rstrip("_")
    lost = name.encode("ascii", "ignore").decode() != name
    if lost or len(plain) > _PART:
        return f"{plain[: _PART - _DIGITS - 1]}_{_hash(name, _DIGITS)}"
    return plain


def _hash(text: str, digits: int) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=digits // 2).hexdigest()


def _as_text(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True, default=str)
    except (TypeError, ValueError, RecursionError):  # keys of several types, or a circle
        return type(value).__name__
