"""Reading values from a parsed TOML table, and collecting every problem with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

__all__ = ["Reader", "shown"]

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

#: Characters of a value that an error message repeats.
_MOST_SHOWN = 80


def shown(value: Any) -> str:
    """Return a value for an error message, shortened if it is long.

    >>> shown("a" * 100) == "'" + "a" * 79 + "…"
    True
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, or deep nesting
        return f"a value of type {type(value).__name__} that is too long to show"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values of a table.

    Each method returns a usable value even if the one it read is invalid, and adds what was wrong
    to ``problems``. ``where`` is the path of the value in the policy.
    """

    problems: list[str]

    def section(self, table: Mapping[str, Any], group: str, name: str) -> Mapping[str, Any]:
        """Return one table from a group of tables."""
        sections = table.get(group)
        found = sections.get(name) if isinstance(sections, Mapping) else None
        return (
            found
            if isinstance(found, Mapping)
            else self.problem(f"[{group}.{name}] is missing", {})
        )

    def table(self, value: Any, where: str) -> Mapping[str, Any]:
        """Return a table."""
        return (
            value
            if isinstance(value, Mapping)
            else self.problem(f"{where} must be a table: write [{where}]", {})
        )

    def tables(self, value: Any, where: str) -> list[Mapping[str, Any]]:
        """Return a list of tables."""
        if isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value):
            return value
        return self.problem(f"{where} must be a list of tables: write [[{where}]]", [])

    def strings(self, value: Any, where: str) -> list[str]:
        """Return a list of names."""
        if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            return value
        return self.problem(f"{where} must be a list of names, found {shown(value)}", [])

    def number(
        self, table: Mapping[str, Any], where: str, key: str, low: float, high: float
    ) -> float:
        """Return a number from ``low`` to ``high``."""
        value = table.get(key)
        name = f"{where}.{key}" if where else key
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            return self.problem(
                f"{name} must be a number from {low:g} to {high:g}, found {shown(value)}", low
            )
        return float(value)

    def choice(self, kind: type[E], value: Any, where: str, instead: E) -> E:
        """Return one of the values of ``kind``."""
        if value in list(kind):
            return kind(value)
        return self.problem(
            f"{where} must be one of {', '.join(kind)}, found {shown(value)}", instead
        )

    def refuse_unknown(self, table: Mapping[str, Any], where: str, known: set[str]) -> None:
        """Report the keys of a table that are not settings."""
        for key in sorted(set(table) - known):
            self.problem(f"{where}{key} is not a setting of a policy", None)

    def problem(self, text: str, instead: T) -> T:
        """Add a problem, and return the value to continue with."""
        self.problems.append(text)
        return instead
