"""The form that tries a new rule on the log and adds it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from detector.contracts.decisions import RiskClass, Verdict
from detector.contracts.errors import PolicyError
from detector.contracts.rules import LONGEST, Rule, RuleAct
from streams.desk.queue_pages import path_of
from streams.desk.rendering import message, page
from streams.desk.requests import visit_of
from streams.errors import DependencyUnavailable, RecordError, UsageError
from streams.kafka.connection import Brokers
from streams.lifecycle.rule_requests import OneEach, RuleRequest, tried, wanted
from streams.lifecycle.rules import add_rule
from streams.lifecycle.rules_dry_run import MOST_RECORDS, DryRun
from streams.serving.error_responses import problem
from streams.wire.periods import seconds_of

__all__ = ["NewRulePages"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: The fields of the form that are fields of a rule, as the operator API names them.
_FIELDS = ("act", "intent", "household_id", "device_id", "tenant", "why", "risk_class")
_SINCE = "7d"


class NewRulePages:
    """The page of a new rule: the same dry run as ``misfire rules dry-run``, and ``add``.

    Args:
        brokers: the brokers.
        policy: the policy file with which a rule is tried; ``None`` is the packaged one.
    """

    def __init__(self, brokers: Brokers, policy: Path | None) -> None:
        self._brokers = brokers
        self._policy = policy
        self._reading = OneEach()

    def form(self, request: Request) -> Response:
        """Show the form; a query fills it in."""
        return self._page(request, request.query_params)

    async def try_out(self, request: Request, form: dict[str, str]) -> Response:
        """Show what the rule of a form would have changed in the log, without adding it."""
        since = form.get("since", "").strip() or _SINCE

        def trial() -> DryRun:
            rule = _rule(request, form, trial=True)
            with self._reading.by(visit_of(request).caller.household_key):
                return tried(self._brokers, rule, self._policy, since)

        return await self._answered(
            request, form, trial, lambda found: self._page(request, form, found=found)
        )

    async def add(self, request: Request, form: dict[str, str]) -> Response:
        """Add the rule of a form."""

        def added() -> Rule:
            rule = _rule(request, form, trial=False)
            add_rule(self._brokers, rule)
            return rule

        def said(rule: Rule) -> Response:
            fields = {"rule_id": rule.rule_id, "act": rule.act.value, "token": rule.owner}
            logger.info("rule added", extra={"fields": fields})
            text = f"Every worker and gateway applies the rule {rule.rule_id} within seconds."
            return message(request, "Added", text, back="/desk/rules")

        return await self._answered(request, form, added, said)

    async def _answered(
        self,
        request: Request,
        form: Mapping[str, str],
        act: Callable[[], T],
        show: Callable[[T], Response],
    ) -> Response:
        """Act in a thread and show the result, or the form again with what is wrong."""
        try:
            return show(await run_in_threadpool(act))
        except RecordError as error:
            status = problem(error)["status"]
            return self._page(request, form, status, refused=str(error))
        except (UsageError, PolicyError) as error:
            return self._page(request, form, 422, refused=str(error))
        except DependencyUnavailable as error:
            return self._page(request, form, 503, refused=str(error))

    @staticmethod
    def _page(
        request: Request,
        form: Mapping[str, str],
        status: int = 200,
        *,
        refused: str = "",
        found: DryRun | None = None,
    ) -> Response:
        return page(
            request,
            "new_rule.html",
            status,
            form=form,
            since=form.get("since", "").strip() or _SINCE,
            problem=refused,
            tried=found,
            most=MOST_RECORDS,
            acts=list(RuleAct),
            risks=list(RiskClass),
            verdicts=list(Verdict),
            platform=visit_of(request).caller.household_key is None,
            path=path_of,
        )


def _rule(request: Request, form: Mapping[str, str], *, trial: bool) -> Rule:
    """Return the rule of a form. To be tried out, it needs no reason and no end.

    Raises:
        RecordError: with code ``schema`` or ``other_tenant``.
        UsageError: the time for which it applies is malformed.
    """
    given = {name: form[name].strip() for name in _FIELDS if form.get(name, "").strip()}
    if trial:
        given.setdefault("why", "a dry run")
    try:
        asked = RuleRequest.model_validate(given)
    except ValidationError as error:
        places = sorted({str(each["loc"][0]) for each in error.errors(include_input=False)})
        raise RecordError("schema", f"missing or invalid: {', '.join(places)}") from None
    lasts = form.get("for", "").strip()
    longest = LONGEST.get(asked.act)
    if lasts:
        asked.expires = datetime.now(UTC) + timedelta(seconds=seconds_of("for", lasts))
    elif trial and longest is not None:
        asked.expires = datetime.now(UTC) + longest
    return wanted(asked, visit_of(request).caller)
