"""The list of rules, and the form that removes one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from detector.contracts.rules import Rule
from streams.desk.index import Index
from streams.desk.queries import Queries
from streams.desk.queue_pages import path_of
from streams.desk.rendering import message, page
from streams.desk.requests import visit_of
from streams.desk.rule_list import MOST_SHOWN, commands_to_try, grouped
from streams.errors import DependencyUnavailable, RecordError
from streams.files.policy import read_policy
from streams.kafka.connection import Brokers
from streams.lifecycle.rule_access import may_remove, may_see
from streams.lifecycle.rule_log import Removal, read_rules, removed_rules
from streams.lifecycle.rules import remove_rule

__all__ = ["RuleListPages"]

logger = logging.getLogger(__name__)

_BACK = "/desk/rules"


class RuleListPages:
    """Pages of the rules that concern the caller's tenant.

    Args:
        index: the index of decisions.
        brokers: the brokers.
        policy: the policy file with which rules are tried; ``None`` is the packaged one.
    """

    def __init__(self, index: Index, brokers: Brokers, policy: Path | None) -> None:
        self._index = index
        self._brokers = brokers
        self._policy = policy

    def rules(self, request: Request) -> Response:
        """List the rules, and with ``removed`` those that were removed."""
        given, caller = request.query_params, visit_of(request).caller
        household, with_removed = given.get("household", "").strip(), "removed" in given
        problem, every, gone = "", list[Rule](), list[Removal]()
        try:
            every = list(read_rules(self._brokers).rules.values())
            gone = removed_rules(self._brokers) if with_removed else []
        except DependencyUnavailable as error:
            problem = str(error)
        seen = [
            each
            for each in every
            if may_see(caller, each) and household in {"", each.household_id or ""}
        ]
        shown = sorted(seen, key=lambda rule: rule.created)[-MOST_SHOWN:]
        queries, most = Queries(self._index, caller.household_key), commands_to_try(len(shown))
        commands = queries.commands(most) if shown else []
        groups = grouped(
            {rule.rule_id: rule for rule in shown},
            commands,
            read_policy(self._policy),
            decided=queries.changed_by_rules(),
            removable=[rule.rule_id for rule in shown if may_remove(caller, rule)],
            now=datetime.now(UTC),
        )
        return page(
            request,
            "rules.html",
            groups=groups,
            left_out=len(seen) - len(shown),
            commands=len(commands),
            household=household,
            with_removed=with_removed,
            removed=[each for each in gone if may_see(caller, each.rule)][:MOST_SHOWN],
            problem=problem,
            path=path_of,
            again=_again,
        )

    async def remove(self, request: Request, form: dict[str, str]) -> Response:
        """Remove a rule. Who removed it, and why, stays in the topic."""
        visit = visit_of(request)
        name, why = form.get("rule", ""), form.get("why", "").strip()

        def removed() -> Rule:
            with _explained():
                return remove_rule(
                    self._brokers, name, by=visit.by, why=why, may=partial(may_remove, visit.caller)
                )

        rule = await run_in_threadpool(removed)
        fields: dict[str, Any] = {"rule_id": rule.rule_id, "act": rule.act.value, "token": visit.by}
        logger.info("rule removed", extra={"fields": fields})
        text = f"Every worker and gateway stops applying the rule {rule.rule_id} within seconds."
        return message(request, "Removed", text, back=_BACK)


def _again(rule: Rule) -> str:
    """Return the query that fills the form of a new rule in as another one."""
    names = ("act", "intent", "household_id", "device_id", "tenant", "risk_class", "why")
    return urlencode({name: value for name in names if (value := getattr(rule, name))})


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except DependencyUnavailable as error:
        raise RecordError("unavailable", str(error)) from None
