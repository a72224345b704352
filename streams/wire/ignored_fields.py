"""Detection of unknown fields, which are ignored and reported by name.

Ignoring them lets older and newer versions talk to each other. Reporting them reveals mistakes such
as ``intent_confidense``. Names come from the sender, so only a few plain ones are repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from pydantic_core import from_json

from detector.contracts.events import IntentEvent

__all__ = ["ignored_in", "listed"]

_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,40}")
#: Names that an answer repeats at most.
_MOST = 8


def ignored_in(data: bytes, kind: type[Any]) -> set[str]:
    """Return the fields of a JSON object that a dataclass does not have.

    Fields of a nested event are named ``heard.NAME``. Data that is not an object has no fields.
    """
    try:
        found = from_json(data, allow_inf_nan=False)
    except ValueError:
        return set()
    return _ignored(found, kind, "")


def listed(names: Iterable[str]) -> str:
    """Return names as the value of a header: a few plain ones, and the number of the others."""
    all_names = sorted(set(names))
    repeated = [name for name in all_names if _PLAIN.fullmatch(name)][:_MOST]
    more = len(all_names) - len(repeated)
    return ",".join([*repeated, *([f"and {more} more"] if more else [])])


def _ignored(found: Any, kind: type[Any], where: str) -> set[str]:
    if not isinstance(found, dict):
        return set()
    known = {field.name: field.type for field in fields(kind)}
    names = {f"{where}{name}" for name in found.keys() - known.keys()}
    for name, value in found.items():
        if "IntentEvent" in str(known.get(name)):
            names |= _ignored(value, IntentEvent, f"{where}{name}.")
    return names
