"""Parsing a policy from TOML. The bundle contains the same text unchanged."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from detector.contracts.decisions import ConfirmMethod, Enforcement, RiskClass, Verdict
from detector.contracts.errors import PolicyError
from detector.policy.intents_section import read_familiar, read_harms, read_intents
from detector.policy.policy import (
    BlockBudget,
    ClassPolicy,
    Clock,
    Confirmation,
    Conversations,
    Fatigue,
    MethodPolicy,
    Policy,
)
from detector.policy.table_reader import Reader, shown

__all__ = ["parse_policy"]

#: Optional tables: their settings, each with its lowest and highest value.
_LIMITS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "confirmation": {
        "expires_seconds": (1.0, 3600.0),
        "most_open": (1, 6),
        "answer_bits": (0.0, 100.0),
    },
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
    "conversations": {"silence_seconds": (10.0, 86_400.0), "turns": (4, 10_000)},
}
_WHOLE = {"most_open", "least_commands", "turns"}


def parse_policy(text: str) -> Policy:
    """Read a policy from TOML.

    Raises:
        PolicyError: the text is not TOML, or a setting is missing or out of range. The message
            lists every problem.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of nested brackets
        raise PolicyError(f"the policy is not TOML: {error}") from error
    reader = Reader([])
    policy = _policy(reader, text, table)
    if reader.problems:
        raise PolicyError(
            "the policy cannot be used:\n"
            + "\n".join(f"  - {problem}" for problem in reader.problems)
        )
    return policy


def _policy(reader: Reader, text: str, table: Mapping[str, Any]) -> Policy:
    known = {
        "version",
        "base_rate",
        "enforcement",
        "undo_window_seconds",
        "methods",
        "classes",
        "intents",
        "unclassified",
        "first_time",
        "harms",
    }
    reader.refuse_unknown(table, "", known | _LIMITS.keys())
    for group, names in (("methods", ConfirmMethod), ("classes", RiskClass)):
        sections = table.get(group)
        reader.refuse_unknown(
            sections if isinstance(sections, Mapping) else {}, f"{group}.", set(names)
        )
    intents = read_intents(reader, table)
    return Policy(
        text=text,
        version=_version(table) or reader.problem("version is missing", "unversioned"),
        base_rate=reader.number(table, "", "base_rate", 1e-9, 0.5),
        enforcement=reader.choice(
            Enforcement, table.get("enforcement"), "enforcement", Enforcement.ENFORCE
        ),
        undo_window_seconds=reader.number(table, "", "undo_window_seconds", 0.0, 86_400.0),
        methods={method: _method(reader, table, method) for method in ConfirmMethod},
        classes={risk: _class(reader, table, risk) for risk in RiskClass},
        intents=intents,
        familiar=read_familiar(reader, table, intents.lexicon),
        harms=read_harms(reader, table, intents.lexicon),
        confirmation=Confirmation(**_limits(reader, table, "confirmation")),
        fatigue=Fatigue(**_limits(reader, table, "fatigue")),
        block_budget=BlockBudget(**_limits(reader, table, "block_budget")),
        clock=Clock(**_limits(reader, table, "clock")),
        conversations=Conversations(**_limits(reader, table, "conversations")),
    )


def _version(table: Mapping[str, Any]) -> str:
    """Return the policy's own version, written as a string or a number."""
    found = table.get("version", "")
    return found if isinstance(found, str) else shown(found)


def _limits(reader: Reader, table: Mapping[str, Any], section: str) -> dict[str, Any]:
    """Read an optional table of numbers; the caller's defaults replace what it leaves out."""
    found = reader.table(table.get(section, {}), section)
    known = _LIMITS[section]
    reader.refuse_unknown(found, f"{section}.", set(known))
    read = {key: reader.number(found, section, key, *known[key]) for key in known if key in found}
    return {key: round(value) if key in _WHOLE else value for key, value in read.items()}


def _method(reader: Reader, table: Mapping[str, Any], method: ConfirmMethod) -> MethodPolicy:
    where = f"methods.{method}"
    found = reader.section(table, "methods", method)
    reader.refuse_unknown(found, f"{where}.", {"friction", "leak"})
    return MethodPolicy(
        reader.number(found, where, "friction", 0.0, 1e9),
        reader.number(found, where, "leak", 0.0, 1.0),
    )


def _class(reader: Reader, table: Mapping[str, Any], risk: RiskClass) -> ClassPolicy:
    where = f"classes.{risk}"
    found = reader.section(table, "classes", risk)
    reader.refuse_unknown(found, f"{where}.", {"harm", "denial", "budget", "fallback", "methods"})
    names = reader.strings(found.get("methods"), f"{where}.methods")
    fallback = reader.choice(Verdict, found.get("fallback"), f"{where}.fallback", Verdict.BLOCK)
    if fallback is Verdict.CONFIRM and not names:
        reader.problem(
            f"{where}.fallback is confirm, but the class has no methods to confirm with", None
        )
    return ClassPolicy(
        harm=reader.number(found, where, "harm", 0.0, 1e9),
        denial=reader.number(found, where, "denial", 0.0, 1e9),
        budget=reader.number(found, where, "budget", 0.0, 1.0),
        fallback=fallback,
        methods=tuple(
            reader.choice(ConfirmMethod, name, f"{where}.methods", ConfirmMethod.PIN)
            for name in names
        ),
    )
