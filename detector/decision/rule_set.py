"""The rules of an installation, and those of them that can concern one household.

A household is concerned by the rules of its tenant and of every tenant, if they name the household
or none. Whatever another tenant or household has, changes neither its rules nor their version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import NoReturn

from detector.contracts.rules import Rule
from detector.policy.intent_names import key_of

__all__ = ["NO_RULES", "RuleBook", "RuleSet", "UnknownRules"]

#: Intents of a household whose rules are cached; the limit bounds what invented names can use.
_MOST_KNOWN = 256


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules that can concern one household.

    Attributes:
        rules: the rules, the oldest first.
        version: a hash of the rules, ``None`` without any.
    """

    rules: tuple[Rule, ...] = ()
    version: str | None = None
    #: Cache by intent: trying a thousand patterns takes longer than the rest of a decision.
    _known: dict[str, tuple[Rule, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> RuleSet:
        """Return the set of some rules, in any order."""
        ordered = tuple(sorted(rules, key=lambda rule: (rule.created, rule.rule_id)))
        return cls(ordered, _version(ordered)) if ordered else NO_RULES

    def matching(self, intent: str, device_id: str | None, at: float) -> tuple[Rule, ...]:
        """Return the rules that match a command at the log's time ``at``, the oldest first.

        Patterns ignore case and underscores, as those of a policy do.
        """
        found = self._known.get(intent)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            key = key_of(intent)
            found = self._known[intent] = tuple(
                rule for rule in self.rules if fnmatchcase(key, key_of(rule.intent))
            )
        return tuple(
            rule
            for rule in found
            if rule.device_id in {None, device_id}
            and (rule.expires is None or at < rule.expires.timestamp())
        )

    def only(self, intent: str, device_id: str | None, at: float) -> RuleSet:
        """Return the rules that match a command, under the version of all: few are sent along."""
        return RuleSet(self.matching(intent, device_id, at), self.version)


class UnknownRules(RuleSet):
    """The rules of a household that could not be looked up: a command has no verdict of the model.

    Args:
        error: what kept them from being looked up; raised when they are applied.
    """

    __slots__ = ("_error",)
    _error: Exception

    def __init__(self, error: Exception) -> None:
        super().__init__(version="unknown")
        object.__setattr__(self, "_error", error)

    def matching(self, *_: object, **__: object) -> NoReturn:
        """Raise the error."""
        raise self._error


#: The set of a household that no rule can concern.
NO_RULES = RuleSet()


class RuleBook:
    """Every rule, by id. It is not changed after its creation.

    Args:
        rules: the rules.
    """

    def __init__(self, rules: Mapping[str, Rule] | None = None) -> None:
        self.rules: Mapping[str, Rule] = dict(rules or {})
        self._tenants = {rule.tenant for rule in self.rules.values()}
        self._households = {
            rule.household_id for rule in self.rules.values() if rule.household_id is not None
        }
        self._sets: dict[tuple[str, str], RuleSet] = {}

    def of(self, household_id: str, tenant: str) -> RuleSet:
        """Return the rules that can concern a household of a tenant."""
        if not self.rules:
            return NO_RULES
        # Only names that rules have are kept, so clients cannot fill the memory with others.
        scope = (
            tenant if tenant in self._tenants else "",
            household_id if household_id in self._households else "",
        )
        found = self._sets.get(scope)
        if found is None:
            found = self._sets[scope] = RuleSet.of(
                rule
                for rule in self.rules.values()
                if rule.tenant in {"", scope[0]} and rule.household_id in {None, scope[1]}
            )
        return found


def _version(rules: Iterable[Rule]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for rule in rules:
        said = [str(getattr(rule, each.name)) for each in fields(Rule)]
        digest.update("\0".join([*said, ""]).encode())
    return digest.hexdigest()
