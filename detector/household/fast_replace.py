"""A fast ``dataclasses.replace``; each event replaces half a dozen immutable values."""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = ["changed"]

V = TypeVar("V")


def changed(value: V, **changes: Any) -> V:
    """Return a copy of a frozen dataclass without slots, with some fields changed.

    It takes a tenth of the time of ``dataclasses.replace`` because it calls neither ``__init__``
    nor ``__post_init__``. Use it only for values that do not validate themselves.

    >>> from detector.household.state import Chain
    >>> changed(Chain(intent="lights.TurnOn", act="initiate", start=0, bits=()), start=4).start
    4

    Raises:
        AttributeError: a changed field does not exist.
    """
    before = value.__dict__
    after = before | changes
    if len(after) != len(before):
        raise AttributeError(
            f"{type(value).__name__} has no field {', '.join(changes.keys() - before.keys())}"
        )
    new = object.__new__(type(value))
    object.__setattr__(new, "__dict__", after)
    return new
