"""Fields that no reader knows: they are ignored, so that older and newer parts understand each other, and named, so that a slip is seen.

A misspelt ``intent_confidense`` would otherwise be missing for ever. Names are the sender's: only plain ones are repeated, and few.
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
#: Names that an answer repeats.
_MOST = 8


def ignored_in(data: bytes, kind: type[Any]) -> set[str]:
    """Return the fields of a JSON object that a dataclass does not have, with those of the events inside of it as ``heard.NAME``.

    What is no object has none: it is refused for that.
    """
    try:
        found = from_json(data, allow_inf_nan=False)
    except ValueError:
        return set()
    return _ignored(found, kind, "")


def listed(names: Iterable[str]) -> str:
    """Write names as the value of a header: at most a few, only plain ones; the others are counted."""
    all_names = sorted(set(names))
    told = [name for name in all_names if _PLAIN.fullmatch(name)][:_MOST]
    more = len(all_names) - len(told)
    return ",".join([*told, *([f"and {more} more"] if more else [])])


def _ignored(found: Any, kind: type[Any], where: str) -> set[str]:
    if not isinstance(found, dict):
        return set()
    known = {field.name: field.type for field in fields(kind)}
    names = {f"{where}{name}" for name in found.keys() - known.keys()}
    for name, value in found.items():
        if "IntentEvent" in str(known.get(name)):
            names |= _ignored(value, IntentEvent, f"{where}{name}.")
    return names
