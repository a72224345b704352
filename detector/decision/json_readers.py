"""Readers of the JSON in a bundle: each checks a value's type and limits, and names what is wrong.

A reader takes a value and where it stands, and returns the value in its own type.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from detector.decision.bundle_arrays import damaged

__all__ = [
    "Read",
    "items",
    "made",
    "number",
    "read_object",
    "row",
    "same_keys",
    "table",
    "whole",
    "word",
]

T = TypeVar("T")
Read = Callable[[Any, str], T]


def read_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object, and reject ambiguous JSON.

    Raises:
        BundleError: the value is not an object, or contains a duplicate name, NaN or Infinity.
        ValueError: the data is not JSON.
    """
    found = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    if not isinstance(found, dict):
        raise damaged("the JSON is not an object")
    return found


def word(value: Any, where: str) -> str:
    """Read a string."""
    if not isinstance(value, str):
        raise damaged(f"{where} contains something that is not a name")
    return value


def number(least: float, most: float) -> Read[float]:
    """Return a reader of numbers from ``least`` to ``most``."""

    def read(value: Any, where: str) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not least <= value <= most
        ):
            raise damaged(f"{where} must be a number from {least:g} to {most:g}")
        return float(value)

    return read


def whole(most: int) -> Read[int]:
    """Return a reader of integers from 0 to ``most``."""

    def read(value: Any, where: str) -> int:
        if type(value) is not int or not 0 <= value <= most:
            raise damaged(f"{where} must be an integer from 0 to {most}")
        return value

    return read


def items(of: Read[T], size: int | None = None) -> Read[list[T]]:
    """Return a reader of lists, of ``size`` values if it is given."""

    def read(value: Any, where: str) -> list[T]:
        if not isinstance(value, list) or size not in (None, len(value)):
            raise damaged(f"{where} must be a list" + ("" if size is None else f" of {size}"))
        return [of(each, where) for each in value]

    return read


def row(of: Read[T], size: int) -> Read[tuple[T, ...]]:
    """Return a reader of tuples of ``size`` values."""
    return lambda value, where: tuple(items(of, size)(value, where))


def table(of: Read[T]) -> Read[dict[str, T]]:
    """Return a reader of objects whose values are alike."""

    def read(value: Any, where: str) -> dict[str, T]:
        if not isinstance(value, dict):
            raise damaged(f"{where} must be an object")
        return {key: of(each, where) for key, each in value.items()}

    return read


def made(
    kind: Callable[..., T], optional: Mapping[str, Read[Any]] | None = None, **fields: Read[Any]
) -> Read[T]:
    """Return a reader of objects with exactly these fields, which ``kind`` is called with.

    An object may lack ``optional`` fields, which ``kind`` has defaults for.
    """

    def read(value: Any, where: str) -> T:
        readers = fields | {
            name: of
            for name, of in (optional or {}).items()
            if isinstance(value, dict) and name in value
        }
        same_keys(value, readers.keys(), where)
        return kind(**{name: of(value[name], f"{where}.{name}") for name, of in readers.items()})

    return read


def same_keys(value: Any, known: Any, where: str) -> None:
    """Check that an object has exactly the ``known`` keys."""
    found = set(value) if isinstance(value, dict) else set()
    if differing := sorted(found ^ set(known)):
        raise damaged(f"{where} has missing or unknown keys: {', '.join(differing)[:100]}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise damaged("the JSON has a name twice in an object")
    return found


def _no_number(_: str) -> NoReturn:
    raise damaged("the JSON contains NaN or Infinity")
