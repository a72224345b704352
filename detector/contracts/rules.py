"""Rules: what an operator decided in advance about some commands, whatever the model says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from detector.contracts.decisions import RiskClass
from detector.contracts.errors import InvalidValue
from detector.contracts.events import INTENT_FORM, check_ids
from detector.contracts.notes import check_note
from detector.contracts.timestamps import Timestamp, in_utc

__all__ = ["ANY", "LONGEST", "MAX_RULES", "Rule", "RuleAct"]

#: The pattern that every intent matches.
ANY = "*"
#: An intent in which stars stand for any characters, or a star alone.
_PATTERN = re.compile(r"[A-Za-z0-9_*]{1,64}\.[A-Za-z0-9_*]{1,64}|\*")
#: The id of a household key, the first part of its tenant's household ids (``tenancy.py``).
_TENANT = re.compile(r"[a-z][a-z0-9]{0,15}")
#: Rules of a tenant. Each decision tries every rule of its tenant that names its household or none.
MAX_RULES = 1_000


class RuleAct(StrEnum):
    """What a rule does with the commands that it matches; ``overruling.py`` applies it."""

    #: Let them run although the model would interrupt them, in the mild risk classes.
    ALLOW = "allow"
    #: Like an allow, for a party or an evening with visitors.
    SNOOZE = "snooze"
    #: Require at least a confirmation.
    CONFIRM = "confirm"
    #: Block them.
    BLOCK = "block"
    #: Give an intent that the policy does not name a risk class.
    CLASSIFY = "classify"


#: The longest time from a rule's creation to its expiry, for acts that can let a command run.
LONGEST = {RuleAct.ALLOW: timedelta(days=90), RuleAct.SNOOZE: timedelta(hours=24)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: the commands that it matches, what it does with them, and who made it, and ``why``.

    ``intent`` is an intent, or a pattern with stars. ``tenant`` is the id of a tenant's household
    key; the empty one means every tenant. Without ``household_id`` or ``device_id`` the rule
    applies to every household or device. A rule does nothing from ``expires`` on. ``risk_class`` is
    the class that a rule to classify gives.

    Raises:
        InvalidValue: fields violate the contract; the message has a sentence for each problem.
    """

    rule_id: str
    act: RuleAct
    intent: str = ANY
    tenant: str = ""
    household_id: str | None = None
    device_id: str | None = None
    owner: str
    why: str
    created: Timestamp
    expires: Timestamp | None = None
    risk_class: RiskClass | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "created", in_utc(self.created))
        if self.expires is not None:
            object.__setattr__(self, "expires", in_utc(self.expires))
        problems = [*self._names(), *self._expiry(), *self._classification()]
        if problems:
            raise InvalidValue("; ".join(problems))

    def _names(self) -> Iterator[str]:
        """Yield the problems of ids, pattern and why."""
        for name in ("rule_id", "owner", "household_id", "device_id"):
            try:
                if getattr(self, name) is not None:
                    check_ids(self, name)
            except InvalidValue as error:
                yield str(error)
        try:
            check_note("why", self.why)
        except InvalidValue as error:
            yield str(error)
        if not _PATTERN.fullmatch(self.intent):
            yield "intent must be domain.Name, in which * stands for any characters, or *"
        begins = f"{self.tenant}_"
        if self.tenant and not _TENANT.fullmatch(self.tenant):
            yield "tenant must be the id of a household key"
        elif self.tenant and not (self.household_id or begins).startswith(begins):
            yield f"household_id must begin with {begins}, or it belongs to another tenant"

    def _expiry(self) -> Iterator[str]:
        longest = LONGEST.get(self.act)
        if self.expires is None:
            if longest is not None:
                yield f"expires is required for a rule to {self.act}"
        elif self.expires <= self.created:
            yield "expires must be later than created"
        elif longest is not None and self.expires - self.created > longest:
            hours = int(longest.total_seconds() // 3600)
            yield f"expires must be within {hours:,} hours of created for a rule to {self.act}"

    def _classification(self) -> Iterator[str]:
        if self.act is not RuleAct.CLASSIFY:
            if self.risk_class is not None:
                yield "risk_class belongs to a rule to classify only"
            return
        if self.risk_class is None:
            yield "risk_class is required for a rule to classify"
        if not INTENT_FORM.fullmatch(self.intent):
            yield "intent must be one intent, without stars, for a rule to classify"
        if self.household_id is not None or self.device_id is not None:
            yield "a rule to classify applies to every household and device"
