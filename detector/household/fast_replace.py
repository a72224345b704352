"""Immutable values, changed quickly: every event makes half a dozen new ones of old ones."""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = ["changed"]

V = TypeVar("V")


def changed(value: V, **changes: Any) -> V:
    """Return a frozen dataclass without slots with some fields changed: ``dataclasses.replace`` in a tenth of its time.

    It neither calls ``__init__`` nor ``__post_init__``: for values without a rule of their own that a change could break.

    >>> from detector.household.state import Chain
    >>> changed(Chain(intent="lights.TurnOn", act="initiate", start=0, bits=()), start=4).start
    4

    Raises:
        AttributeError: there is no such field.
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
