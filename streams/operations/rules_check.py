"""Checks for ``misfire doctor`` that every worker knows the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from detector.contracts.rules import Rule
from streams.kafka.topics import RULES
from streams.operations.findings import Finding

__all__ = ["check_rules", "known_to"]

_PART = "rules"


def known_to(samples: Iterable[Any]) -> int | None:
    """Return how many rules a worker knows, by its metrics; ``None`` if it knows of no rules."""
    found = [each.value for each in samples if each.name == "misfire_rules"]
    return int(sum(found)) if found else None


def check_rules(
    rules: Mapping[str, Rule] | None, workers: Mapping[str, int | None], now: datetime
) -> Finding:
    """Compare the rules with those that each worker knows.

    Args:
        rules: the rules by id, or ``None`` if their topic does not exist.
        workers: by address of a worker, how many rules it knows.
        now: the present.
    """
    if rules is None:
        text = (
            f"topic {RULES} is missing, so no rule applies; create it with 'misfire topics create'"
        )
        return Finding(_PART, False, text)
    lacking = [
        f"{url} knows {'no rules' if known is None else known}"
        for url, known in sorted(workers.items())
        if (known or 0) != len(rules)
    ]
    if lacking:
        text = (
            f"{RULES} has {len(rules)} rules, but the worker at {'; '.join(lacking)}: upgrade it,"
            " or grant it the right to read them ('misfire topics acl --part worker')"
        )
        return Finding(_PART, False, text)
    expired = sum(each.expires is not None and each.expires <= now for each in rules.values())
    acts = Counter(str(each.act) for each in rules.values())
    listed = ", ".join(f"{count} {act}" for act, count in sorted(acts.items()))
    return Finding(
        _PART,
        True,
        f"every worker knows the {len(rules)} rules ({listed}; {expired} expired)"
        if rules
        else "there are no rules",
    )
