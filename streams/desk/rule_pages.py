"""Rules made of a decision: a snooze of its intent in its household, or a class for its intent."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from detector.contracts.decisions import MILD, Decision, RiskClass
from detector.contracts.rules import Rule, RuleAct
from detector.policy.unclassified import is_unclassified
from streams.desk.index import Index
from streams.desk.queries import Queries
from streams.desk.rendering import message
from streams.desk.requests import visit_of
from streams.errors import DependencyUnavailable, RecordError
from streams.kafka.connection import Brokers
from streams.lifecycle.rules import add_rule, make_rule

__all__ = ["HOURS", "RulePages"]

logger = logging.getLogger(__name__)

#: Hours of a snooze that a person can choose, and those of the key.
HOURS = (1, 4, 12, 24)
_USUAL_HOURS = "4"
#: The reason if a person gives none.
_WHY = "reviewed at the desk"


class RulePages:
    """The forms with which a person makes a rule of a decision.

    Args:
        index: the index of decisions.
        brokers: the brokers.
    """

    def __init__(self, index: Index, brokers: Brokers) -> None:
        self._index = index
        self._brokers = brokers

    async def snooze(self, request: Request, form: dict[str, str]) -> Response:
        """Let the intent of a decision run in its household for some hours."""
        hours = form.get("hours", _USUAL_HOURS)
        if hours not in map(str, HOURS):
            raise RecordError("schema", f"a snooze lasts {', '.join(map(str, HOURS))} hours")
        decision = self._decision(request, form)
        if decision.risk_class not in MILD:
            raise RecordError(
                "schema", f"no rule lets a command of the class {decision.risk_class} run"
            )
        rule = make_rule(
            RuleAct.SNOOZE,
            lasts=3600.0 * int(hours),
            household_id=decision.household_id,
            **self._common(request, form, decision),
        )
        await self._add(rule)
        until = datetime.now(UTC) + timedelta(hours=int(hours))
        text = (
            f"{decision.intent} runs in this household until {until:%H:%M} UTC, whatever the model"
            f" decides. Remove the rule {rule.rule_id} on the page Rules to end it earlier."
        )
        return message(request, "Snoozed", text, back=_back(decision))

    async def classify(self, request: Request, form: dict[str, str]) -> Response:
        """Give the intent of an unclassified decision a risk class, in every household."""
        decision = self._decision(request, form)
        if not is_unclassified(decision):
            raise RecordError("schema", "the policy already names the intent")
        try:
            risk = RiskClass(form.get("risk_class", ""))
        except ValueError:
            raise RecordError("schema", "choose a risk class") from None
        common = self._common(request, form, decision)
        rule = make_rule(RuleAct.CLASSIFY, risk_class=risk, **common)
        await self._add(rule)
        text = (
            f"{decision.intent} is {risk} from now on. Add it to the policy before the next"
            f" training, and remove the rule {rule.rule_id} then."
        )
        return message(request, "Classified", text, back=_back(decision))

    def _decision(self, request: Request, form: dict[str, str]) -> Decision:
        """Return the decision of a form, which must be one of the caller's tenant."""
        household, caller = form.get("household", ""), visit_of(request).caller
        caller.check_household(household)
        queries = Queries(self._index, caller.household_key)
        turn = queries.turn(household, form.get("event", ""))
        if turn is None:
            raise RecordError("unknown_event", "the decision is not among the recent ones")
        return turn.row.decision

    @staticmethod
    def _common(request: Request, form: dict[str, str], decision: Decision) -> dict[str, Any]:
        visit = visit_of(request)
        return {
            "intent": decision.intent,
            "tenant": visit.caller.household_key or "",
            "owner": visit.by,
            "why": form.get("why", "").strip() or _WHY,
        }

    async def _add(self, rule: Rule) -> None:
        fields = {"rule_id": rule.rule_id, "act": rule.act.value, "token": rule.owner}
        logger.info("rule added", extra={"fields": fields})
        try:
            await run_in_threadpool(add_rule, self._brokers, rule)
        except DependencyUnavailable as error:
            raise RecordError("unavailable", str(error)) from None


def _back(decision: Decision) -> str:
    named = {"household": decision.household_id, "event": decision.event_id}
    return f"/desk/decision?{urlencode(named)}"
