"""Rules: entries of the lists with which an operator overrules the model for some commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from detector.contracts.decisions import RiskClass
from detector.contracts.errors import InvalidValue
from detector.contracts.events import INTENT_FORM, check_ids
from detector.contracts.notes import check_note
from detector.contracts.timestamps import Timestamp, in_utc

__all__ = ["ANY", "LIFTING", "LONGEST_SNOOZE", "Rule", "RuleAct"]

#: The pattern that names every intent.
ANY = "*"
#: An intent in which stars stand for any words, as in a policy.
_PATTERN = re.compile(r"[A-Za-z0-9_*]{1,128}\.[A-Za-z0-9_*]{1,128}|\*")
#: The form of a tenant, the id of its household key (``streams/wire/tenancy.py``).
_TENANT = re.compile(r"[a-z][a-z0-9]{0,15}")
#: A snooze is for a party or an evening with visitors.
LONGEST_SNOOZE = timedelta(hours=24)


class RuleAct(StrEnum):
    """What a rule does with the commands that it names."""

    #: Let them run although the model would interrupt them.
    ALLOW = "allow"
    #: Require at least a confirmation.
    CONFIRM = "confirm"
    #: Block them.
    BLOCK = "block"
    #: Let them run for at most ``LONGEST_SNOOZE``.
    SNOOZE = "snooze"
    #: Give an intent that the policy does not name a risk class.
    CLASSIFY = "classify"


#: Acts that can let a command run which the model would interrupt.
LIFTING = frozenset({RuleAct.ALLOW, RuleAct.SNOOZE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: the commands that it names, what it does with them, and who is responsible.

    ``intent`` is an intent or a pattern with stars. ``tenant`` is the id of a tenant's household
    key; empty: every tenant. Without ``household_id`` and ``device_id`` the rule applies to every
    household and device of the tenant.

    ``up_to`` is the strictest risk class whose commands an *allow* or *snooze* lets run.
    ``risk_class`` is the class that a *classify* gives.

    Raises:
        InvalidValue: a field violates the contract; the message names the field.
    """

    rule_id: str
    act: RuleAct
    intent: str = ANY
    tenant: str = ""
    household_id: str | None = None
    device_id: str | None = None
    owner: str
    reason: str
    created: Timestamp
    expires: Timestamp | None = None
    up_to: RiskClass = RiskClass.REVERSIBLE
    risk_class: RiskClass | None = None

    def __post_init__(self) -> None:
        check_ids(self, "rule_id", "owner")
        check_ids(self, *(name for name in ("household_id", "device_id") if getattr(self, name)))
        check_note("reason", self.reason)
        if not _PATTERN.fullmatch(self.intent):
            raise InvalidValue("intent must be an intent, 'domain.Name', with * for any words")
        if self.tenant and not _TENANT.fullmatch(self.tenant):
            raise InvalidValue("tenant must be the id of a household key")
        object.__setattr__(self, "created", in_utc(self.created))
        if self.expires is not None:
            object.__setattr__(self, "expires", in_utc(self.expires))
        self._check_expiry()
        self._check_class()

    @property
    def lifts(self) -> bool:
        """Whether the rule can let a command run that the model would interrupt."""
        return self.act in LIFTING

    def _check_expiry(self) -> None:
        if self.expires is None:
            if self.lifts:
                raise InvalidValue(f"expires is required for a rule to {self.act}")
        elif self.expires <= self.created:
            raise InvalidValue("expires must be later than created")
        elif self.act is RuleAct.SNOOZE and self.expires - self.created > LONGEST_SNOOZE:
            raise InvalidValue("expires must be within 24 hours of created for a snooze")

    def _check_class(self) -> None:
        if (self.act is RuleAct.CLASSIFY) != (self.risk_class is not None):
            raise InvalidValue("risk_class is required for a rule to classify, and for no other")
        if self.act is not RuleAct.CLASSIFY:
            return
        if not INTENT_FORM.fullmatch(self.intent):
            raise InvalidValue("intent must be one intent, without stars, for a rule to classify")
        if self.household_id is not None or self.device_id is not None:
            raise InvalidValue("a rule to classify applies to every household and device")
