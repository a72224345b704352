"""Changes numbers and words in the text of a policy, and leaves everything else as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from detector.contracts.decisions import ConfirmMethod, RiskClass, Verdict
from detector.contracts.errors import PolicyError
from detector.policy.parsing import parse_policy
from detector.policy.policy import Policy

__all__ = ["Field", "changed_policy", "fields_of"]

_SECTION = re.compile(r"\s*\[+\s*([^\[\]]+?)\s*\]+\s*(?:#.*)?")
_SETTING = re.compile(r"(\s*)([A-Za-z_]+)(\s*=\s*)([^#\s]+)(.*)")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?(e-?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Field:
    """A value that the form can change: its table, its key and its present value.

    The table is empty at the top level.
    """

    table: str
    key: str
    value: str

    @property
    def name(self) -> str:
        """The name of the field in the form."""
        return f"{self.table}.{self.key}" if self.table else self.key


def fields_of(policy: Policy) -> Iterator[Field]:
    """Yield the fields of a policy that the form shows: costs, budgets and fallbacks."""
    yield Field("", "base_rate", _shown(policy.base_rate))
    for risk in RiskClass:
        costs, table = policy.classes[risk], f"classes.{risk}"
        for key in ("harm", "denial", "budget"):
            yield Field(table, key, _shown(getattr(costs, key)))
        yield Field(table, "fallback", costs.fallback.value)
    for method in ConfirmMethod:
        for key in ("friction", "leak"):
            value = getattr(policy.methods[method], key)
            yield Field(f"methods.{method}", key, _shown(value))
    yield Field("block_budget", "share", _shown(policy.block_budget.share))


def changed_policy(policy: Policy, given: Mapping[str, str]) -> Policy:
    """Return the policy with values of the form, in the text that a person would write.

    Args:
        policy: the policy before.
        given: values by the name of their field; an empty or missing one stays.

    Raises:
        PolicyError: a value is not valid, or the text writes it in a way that only a person can
            change. The message lists every problem.
    """
    wanted = {
        (field.table, field.key): given[field.name].strip()
        for field in fields_of(policy)
        if given.get(field.name, "").strip() not in {"", field.value}
    }
    problems = [
        f"{table}.{key} is neither a number nor a verdict"
        for (table, key), value in wanted.items()
        if not (_NUMBER.fullmatch(value) or value in set(Verdict))
    ]
    if problems:
        raise PolicyError("; ".join(problems))
    text, changed = _with_values(policy.text, wanted)
    if missing := wanted.keys() - changed:
        names = ", ".join(sorted(f"{table}.{key}".strip(".") for table, key in missing))
        raise PolicyError(
            f"{names}: the policy does not set it on a line of its own; edit the file"
        )
    return parse_policy(text)


def _with_values(
    text: str, wanted: Mapping[tuple[str, str], str]
) -> tuple[str, set[tuple[str, str]]]:
    """Return the text with the values, and which of them it had a line for."""
    table, lines, changed = "", list[str](), set[tuple[str, str]]()
    for line in text.splitlines():
        section, setting = _SECTION.fullmatch(line), _SETTING.fullmatch(line)
        if section:
            table = section[1]
        elif setting and (table, setting[2]) in wanted:
            value = wanted[table, setting[2]]
            written = f'"{value}"' if value in set(Verdict) else value
            line = f"{setting[1]}{setting[2]}{setting[3]}{written}{setting[5]}"  # noqa: PLW2901
            changed.add((table, setting[2]))
        lines.append(line)
    return "\n".join(lines) + "\n", changed


def _shown(value: float) -> str:
    return f"{value:.12g}"
