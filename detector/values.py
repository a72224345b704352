"""Immutable values, changed quickly: every event makes half a dozen new ones of old ones."""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = ["changed"]

V = TypeVar("V")


def changed(value: V, **changes: Any) -> V:
    """Return a frozen, slotted dataclass with some fields changed: ``dataclasses.replace`` in a third of its time.

    It neither calls ``__init__`` nor ``__post_init__``: for values without a rule of their own that a change could break.

    >>> from detector.state import Usage
    >>> changed(Usage(count=1.0, session=3), session=4)
    Usage(count=1.0, session=4)

    Raises:
        AttributeError: there is no such field.
    """
    new = object.__new__(type(value))
    put = object.__setattr__
    for name in value.__slots__:  # type: ignore[attr-defined]
        if name not in changes:
            put(new, name, getattr(value, name))
    for name, wanted in changes.items():
        put(new, name, wanted)
    return new
