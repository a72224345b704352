"""Rules that a caller of the operator API or a person at the desk asks for, and their dry runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from detector.contracts.decisions import RiskClass
from detector.contracts.notes import MAX_NOTE
from detector.contracts.rules import ANY, Rule, RuleAct
from detector.contracts.timestamps import Timestamp
from streams.errors import RecordError
from streams.files.policy import read_policy
from streams.kafka.connection import Brokers
from streams.lifecycle.requests import name_of
from streams.lifecycle.rules import make_rule
from streams.lifecycle.rules_dry_run import DryRun, dry_run
from streams.serving.access.guard import Caller
from streams.wire.periods import seconds_of

__all__ = ["ID", "OneEach", "RuleRequest", "tried", "wanted"]

#: The form of an id in a request.
ID = r"^[!-~]{1,128}$"


class RuleRequest(BaseModel):
    """A rule. The token's id is recorded as its owner."""

    model_config = ConfigDict(extra="forbid")

    act: RuleAct
    intent: str = Field(default=ANY, max_length=256, description="An intent, or a pattern with *.")
    household_id: str | None = Field(default=None, pattern=ID)
    device_id: str | None = Field(default=None, pattern=ID)
    tenant: str | None = Field(
        default=None,
        max_length=16,
        description="Id of a tenant's household key; default: the token's, or every tenant.",
    )
    why: str = Field(min_length=1, max_length=MAX_NOTE)
    expires: Timestamp | None = None
    risk_class: RiskClass | None = Field(default=None, description="Of a rule to classify.")
    rule_id: str | None = Field(default=None, pattern=ID)


def wanted(asked: RuleRequest, caller: Caller) -> Rule:
    """Return the rule that a caller asks for.

    Raises:
        RecordError: with code ``other_tenant`` or ``schema``.
    """
    own = caller.household_key
    if own is not None and asked.tenant not in {None, own}:
        raise RecordError("other_tenant", f"tenant must be {own}, the household key of this token")
    if asked.household_id is not None:
        caller.check_household(asked.household_id)
    return make_rule(
        **asked.model_dump(exclude={"tenant"}),
        tenant=own or asked.tenant or "",
        owner=name_of(caller),
    )


def tried(brokers: Brokers, rule: Rule, policy: Path | None, since: str) -> DryRun:
    """Return what a rule would have changed in a period of the log, such as ``7d``.

    Raises:
        UsageError: the period is malformed.
        PolicyError: the policy file is invalid.
        DependencyUnavailable: a topic is missing or cannot be read.
    """
    begin = time.time() - seconds_of("since", since)
    return dry_run(brokers, rule, read_policy(policy), since=begin)


class OneEach:
    """Lets each tenant read the log once at a time."""

    def __init__(self) -> None:
        self._reading: set[str | None] = set()
        self._lock = threading.Lock()

    @contextmanager
    def by(self, tenant: str | None) -> Iterator[None]:
        """Read the log for a tenant, by its household key.

        Raises:
            RecordError: with code ``busy``.
        """
        with self._lock:
            if tenant in self._reading:
                raise RecordError("busy", "the log is being read already; try again in a minute")
            self._reading.add(tenant)
        try:
            yield
        finally:
            self._reading.discard(tenant)
