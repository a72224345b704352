"""The id of a question: what it is bound to, and which question an answer is about."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from detector.contracts.clocks import apart

__all__ = ["confirmation_id", "is_of_household", "same_command", "same_question"]

#: Hexadecimal digits of an id that identify the household: enough to detect another household's id,
#: too few to find a household by.
_TAG = 8
#: Hexadecimal digits of an id that identify the event, and as many for the intent with its slots.
_HALF = 16
_TIME = re.compile(r"-(-?[0-9a-f]{1,12})")


def confirmation_id(
    household_id: str, event_id: str, intent: str, slots: Mapping[str, str], *, at: float
) -> str:
    """Derive the id of the question that was asked about a command at log time ``at``.

    The id is deterministic, so a replay derives the same one. A proof covers only this id, so the
    id covers everything an answer is bound to. A stolen proof is useless for another command or at
    another time, even if the same ``event_id`` is used again.

    >>> first = confirmation_id("h1", "e1", "a.B", {}, at=0.0)
    >>> second = confirmation_id("h1", "e2", "a.B", {}, at=0.0)
    >>> first[:8] == second[:8]
    True
    """
    command = f"{intent}\0{sorted(slots.items())}"
    event = _digest(f"{household_id}\0{event_id}", _HALF // 2)
    return f"{_tag(household_id)}{event}{_digest(command, _HALF // 2)}-{int(at):x}"


def is_of_household(name: str, household_id: str) -> bool:
    """Return whether an id can be that of a question to this household."""
    return name.startswith(_tag(household_id))


def same_question(one: str, other: str, life: float) -> bool:
    """Return whether two ids are about one event, asked about by two rungs.

    Their clocks differ by no more than ``life``, the lifetime of a question in seconds.
    """
    if one == other:
        return True
    end = _TAG + _HALF
    first, second = _TIME.fullmatch(one, end + _HALF), _TIME.fullmatch(other, end + _HALF)
    if one[:end] != other[:end] or first is None or second is None:
        return False
    return apart(int(first[1], 16), int(second[1], 16)) <= life


def same_command(one: str, other: str) -> bool:
    """Return whether two ids are about the same intent with the same slots."""
    end = _TAG + _HALF
    return one[end : end + _HALF] == other[end : end + _HALF]


def _tag(household_id: str) -> str:
    return _digest(household_id, _TAG // 2)


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size, person=b"confirmation").hexdigest()
