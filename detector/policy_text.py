"""Reading a policy from its text: TOML that a person can read, and that travels in the bundle as it is."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from detector.decisions import ConfirmMethod, Enforcement, RiskClass, Verdict
from detector.errors import PolicyError
from detector.policy import BlockBudget, ClassPolicy, Clock, Confirmation, Fatigue, MethodPolicy, Policy

__all__ = ["parse_policy"]

#: Tables that may be left out: their settings, each with its lowest and highest value.
_LIMITS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "confirmation": {"expires_seconds": (1.0, 3600.0), "most_open": (1, 6), "answer_bits": (0.0, 100.0)},
    "fatigue": {
        "same_again_seconds": (0.0, 86_400.0),
        "growth": (0.0, 100.0),
        "window_seconds": (0.0, 86_400.0),
    },
    "block_budget": {
        "share": (0.0, 1.0),
        "least_commands": (1, 1_000_000),
        "window_seconds": (1.0, 86_400.0),
    },
    "clock": {"skew_seconds": (0.0, 86_400.0)},
}
_WHOLE = {"most_open", "least_commands"}

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")


def parse_policy(text: str) -> Policy:
    """Read a policy from TOML.

    Raises:
        PolicyError: the text is not TOML, or anything in it is missing or out of range; every problem is listed.
    """
    try:
        table = tomllib.loads(text)
    except (
        ValueError,
        RecursionError,
    ) as error:  # numbers of thousands of digits, brackets of thousands of levels
        raise PolicyError(f"the policy is not TOML: {error}") from error
    reader = _Reader([])
    policy = reader.policy(text, table)
    if reader.problems:
        raise PolicyError(
            "the policy cannot be used:\n" + "\n".join(f"  - {problem}" for problem in reader.problems)
        )
    return policy


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads values out of a parsed TOML table and collects what is wrong with them."""

    problems: list[str]

    def policy(self, text: str, table: Mapping[str, Any]) -> Policy:
        known = {
            "version",
            "base_rate",
            "enforcement",
            "undo_window_seconds",
            "methods",
            "classes",
            "intents",
        }
        self._refuse_unknown(table, "", known | _LIMITS.keys())
        for group, names in (("methods", ConfirmMethod), ("classes", RiskClass)):
            sections = table.get(group)
            self._refuse_unknown(sections if isinstance(sections, Mapping) else {}, f"{group}.", set(names))
        return Policy(
            text=text,
            version=str(table.get("version", "")) or self._problem("version is missing", "unversioned"),
            base_rate=self._number(table, "", "base_rate", 1e-9, 0.5),
            enforcement=self._choice(
                Enforcement, table.get("enforcement"), "enforcement", Enforcement.ENFORCE
            ),
            undo_window_seconds=self._number(table, "", "undo_window_seconds", 0.0, 86_400.0),
            methods={method: self._method(table, method) for method in ConfirmMethod},
            classes={risk: self._class(table, risk) for risk in RiskClass},
            patterns=self._patterns(table),
            confirmation=Confirmation(**self._limits(table, "confirmation")),
            fatigue=Fatigue(**self._limits(table, "fatigue")),
            block_budget=BlockBudget(**self._limits(table, "block_budget")),
            clock=Clock(**self._limits(table, "clock")),
        )

    def _limits(self, table: Mapping[str, Any], section: str) -> dict[str, Any]:
        """Read a table of numbers; what is left out, and the whole of it, has a default."""
        found = table.get(section, {})
        if not isinstance(found, Mapping):
            return self._problem(f"{section} must be a table: write [{section}]", {})
        known = _LIMITS[section]
        self._refuse_unknown(found, f"{section}.", set(known))
        read = {key: self._number(found, section, key, *known[key]) for key in known if key in found}
        return {key: round(value) if key in _WHOLE else value for key, value in read.items()}

    def _method(self, table: Mapping[str, Any], method: ConfirmMethod) -> MethodPolicy:
        where = f"methods.{method}"
        found = self._section(table, "methods", method)
        self._refuse_unknown(found, f"{where}.", {"friction", "leak"})
        return MethodPolicy(
            self._number(found, where, "friction", 0.0, 1e9), self._number(found, where, "leak", 0.0, 1.0)
        )

    def _class(self, table: Mapping[str, Any], risk: RiskClass) -> ClassPolicy:
        where = f"classes.{risk}"
        found = self._section(table, "classes", risk)
        self._refuse_unknown(found, f"{where}.", {"harm", "denial", "budget", "fallback", "methods"})
        names = self._strings(found.get("methods"), f"{where}.methods")
        fallback = self._choice(Verdict, found.get("fallback"), f"{where}.fallback", Verdict.BLOCK)
        if fallback is Verdict.CONFIRM and not names:
            self._problem(f"{where}.fallback is confirm, but the class has no methods to confirm with", None)
        return ClassPolicy(
            harm=self._number(found, where, "harm", 0.0, 1e9),
            denial=self._number(found, where, "denial", 0.0, 1e9),
            budget=self._number(found, where, "budget", 0.0, 1.0),
            fallback=fallback,
            methods=tuple(
                self._choice(ConfirmMethod, name, f"{where}.methods", ConfirmMethod.PIN) for name in names
            ),
        )

    def _patterns(self, table: Mapping[str, Any]) -> tuple[tuple[str, RiskClass], ...]:
        patterns = []
        for number, entry in enumerate(self._entries(table)):
            where = f"intents[{number}]"
            self._refuse_unknown(entry, f"{where}.", {"class", "patterns"})
            risk = self._choice(RiskClass, entry.get("class"), f"{where}.class", RiskClass.PHYSICAL)
            patterns += [
                (pattern, risk) for pattern in self._strings(entry.get("patterns"), f"{where}.patterns")
            ]
        if not patterns or patterns[-1][0] != "*":
            self._problem(
                "the last entry of intents must have the pattern '*', so that every intent has a class", None
            )
        return tuple(patterns)

    def _section(self, table: Mapping[str, Any], group: str, name: str) -> Mapping[str, Any]:
        sections = table.get(group)
        found = sections.get(name) if isinstance(sections, Mapping) else None
        return found if isinstance(found, Mapping) else self._problem(f"[{group}.{name}] is missing", {})

    def _entries(self, table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        entries = table.get("intents", [])
        if isinstance(entries, list) and all(isinstance(entry, Mapping) for entry in entries):
            return entries
        return self._problem("intents must be a list of tables: write [[intents]]", [])

    def _strings(self, value: Any, where: str) -> list[str]:
        if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            return value
        return self._problem(f"{where} must be a list of names, found {value!r}", [])

    def _number(self, table: Mapping[str, Any], where: str, key: str, low: float, high: float) -> float:
        value = table.get(key)
        name = f"{where}.{key}" if where else key
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            return self._problem(f"{name} must be a number from {low:g} to {high:g}, found {value!r}", low)
        return float(value)

    def _choice(self, kind: type[E], value: Any, where: str, instead: E) -> E:
        if value in list(kind):
            return kind(value)
        return self._problem(f"{where} must be one of {', '.join(kind)}, found {value!r}", instead)

    def _refuse_unknown(self, table: Mapping[str, Any], where: str, known: set[str]) -> None:
        for key in sorted(set(table) - known):
            self._problem(f"{where}{key} is not a setting of a policy", None)

    def _problem(self, text: str, instead: T) -> T:
        self.problems.append(text)
        return instead
