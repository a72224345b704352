"""Which rules a caller may see and remove, by the tenant of its token."""

from __future__ import annotations

from detector.contracts.rules import Rule
from streams.serving.access.guard import Caller

__all__ = ["may_remove", "may_see"]


def may_remove(caller: Caller, rule: Rule) -> bool:
    """Return whether a caller may remove a rule: one of its tenant, or any without a tenant."""
    return caller.household_key is None or rule.tenant == caller.household_key


def may_see(caller: Caller, rule: Rule) -> bool:
    """Return whether a rule can concern the caller's households."""
    if may_remove(caller, rule):
        return True
    return not rule.tenant and (rule.household_id is None or caller.owns(rule.household_id))
