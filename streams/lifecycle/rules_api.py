"""The part of the operator API about rules.

A token of one tenant makes, sees and removes the rules of its tenant. A token of no tenant does so
for every tenant, or for all of them at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as PathParameter
from pydantic_core import to_jsonable_python

from detector.contracts.errors import PolicyError
from detector.contracts.notes import MAX_NOTE
from detector.contracts.rules import Rule
from streams.errors import DependencyUnavailable, RecordError, UsageError
from streams.kafka.connection import Brokers
from streams.lifecycle.requests import body_of, name_of, schema_of
from streams.lifecycle.rule_access import may_remove, may_see
from streams.lifecycle.rule_log import read_rules, removed_rules
from streams.lifecycle.rule_requests import ID, OneEach, RuleRequest, tried, wanted
from streams.lifecycle.rules import add_rule, remove_rule
from streams.lifecycle.rules_dry_run import unclassified_intents
from streams.serving.access.guard import Caller, caller_of
from streams.wire.periods import PERIOD, seconds_of

__all__ = ["rule_routes"]

logger = logging.getLogger(__name__)

Since = Annotated[str, Query(pattern=PERIOD, description="Such as 7d, 12h or 90m.")]


async def _rule_request(request: Request) -> RuleRequest:
    return await body_of(request, RuleRequest)


def rule_routes(brokers: Brokers, policy: Path | None) -> APIRouter:
    """Return the routes. They are plain functions, because Kafka's clients block.

    ``policy`` is the policy file with which a dry run decides; ``None`` is the packaged one.
    """
    routes, reading = APIRouter(prefix="/v1/rules"), OneEach()

    @routes.get("")
    def rules(request: Request, *, removed: bool = False) -> dict[str, Any]:
        """List the rules that concern the caller's tenant, expired ones too.

        With `removed`, also those that were removed: by whom, why and when.
        """
        caller = caller_of(request)
        with _explained():
            found = read_rules(brokers).rules.values()
            gone = removed_rules(brokers) if removed else []
        said = {"rules": to_jsonable_python([each for each in found if may_see(caller, each)])}
        if removed:
            seen = [each for each in gone if may_see(caller, each.rule)]
            said["removed"] = to_jsonable_python(seen)
        return said

    @routes.post("", status_code=201, openapi_extra=schema_of(RuleRequest))
    def add(
        asked: Annotated[RuleRequest, Depends(_rule_request)], request: Request
    ) -> dict[str, Any]:
        """Add a rule. Every worker applies it within seconds."""
        caller = caller_of(request)
        rule = wanted(asked, caller)
        with _explained():
            add_rule(brokers, rule)
        _log("rule added", rule, caller)
        return {"rule": to_jsonable_python(rule)}

    @routes.delete("/{rule_id}")
    def remove(
        rule_id: Annotated[str, PathParameter(pattern=ID)],
        why: Annotated[str, Query(min_length=1, max_length=MAX_NOTE)],
        request: Request,
    ) -> dict[str, Any]:
        """Remove a rule. Who removed it and why is kept for 90 days."""
        caller = caller_of(request)
        with _explained():
            rule = remove_rule(
                brokers,
                rule_id,
                by=name_of(caller),
                why=why,
                may=lambda each: may_remove(caller, each),
            )
        _log("rule removed", rule, caller)
        return {"removed": to_jsonable_python(rule)}

    @routes.post("/dry-run", openapi_extra=schema_of(RuleRequest))
    def try_out(
        asked: Annotated[RuleRequest, Depends(_rule_request)],
        request: Request,
        since: Since = "7d",
    ) -> dict[str, Any]:
        """Return what a rule would have changed in the latest decisions. It is not added."""
        caller = caller_of(request)
        rule = wanted(asked, caller)
        with _explained(), reading.by(caller.household_key):
            found = tried(brokers, rule, policy, since)
        return {"rule": to_jsonable_python(rule), "since": since, **to_jsonable_python(found)}

    @routes.get("/unclassified")
    def unclassified(request: Request, since: Since = "7d") -> dict[str, Any]:
        """Count the commands of each intent that neither the policy nor a rule classifies."""
        caller = caller_of(request)
        with _explained(), reading.by(caller.household_key):
            begin = time.time() - seconds_of("since", since)
            found = unclassified_intents(brokers, since=begin, ours=caller.owns)
        return {"since": since, **to_jsonable_python(found)}

    return routes


def _log(event: str, rule: Rule, caller: Caller) -> None:
    fields = {"rule_id": rule.rule_id, "act": rule.act.value, "token": name_of(caller)}
    logger.info(event, extra={"fields": fields})


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (UsageError, PolicyError) as error:
        raise RecordError("schema", str(error)) from None
    except DependencyUnavailable as error:
        raise RecordError("unavailable", str(error)) from None
