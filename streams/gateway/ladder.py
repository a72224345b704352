"""The ladder: the worker's decision if it arrives in time, else the gateway's, else the policy's.

It always answers. The gateway tracks the sessions that it has seen itself (``sessions.py``). If the
worker has not answered by half of the deadline, it decides with the population model, well before
the deadline ends.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.fallback_rules import fallback_under_rules
from detector.decision.rule_set import RuleSet
from detector.decision.rule_timeline import RuleTimeline
from detector.policy.policy import Policy
from streams.errors import RecordError
from streams.gateway.admission import share_of
from streams.gateway.deduplication import RememberedRequest, RequestMemory
from streams.gateway.degraded_reasons import REASONS, reason_code, with_reason
from streams.gateway.exchange.exchange import Exchange
from streams.gateway.exchange.replies import PendingRequest, Reply
from streams.gateway.late_answers import LateAnswers
from streams.gateway.provisional_answers import Provisional, late_answer, provisional
from streams.gateway.publishing import publish_incident, publish_intent, publish_outcome
from streams.gateway.request_context import RequestContext
from streams.gateway.sessions import Sessions, Turn
from streams.gateway.shares import FairCache
from streams.telemetry import metrics
from streams.telemetry.recording import count_answer
from streams.wire.records import COMMAND, DECISION, REFUSAL, Command
from streams.wire.refusals import HOUSEHOLD_ERASED, ID_REUSED
from streams.wire.tenancy import tenant_of

__all__ = ["Answer", "Ladder"]

logger = logging.getLogger(__name__)

#: Share of the wait after which the gateway decides itself. A healthy worker needs a tenth of it.
_READY_SHARE = 0.5
#: Remembered answers of lower rungs that a worker may still contradict.
_ANSWERED = 50_000


def _rules_failed(error: Exception) -> None:
    logger.error("the rules failed, and the policy answers without them", exc_info=error)


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision, and how long it took in seconds."""

    decision: Decision
    seconds: float


class Ladder:
    """Answers intent events.

    Args:
        policy: answers if there is no bundle.
        bundle: decides on the gateway's rung; ``None`` disables that rung.
        places: how many requests may wait for a worker at a time.
        why_no_bundle: the reason code for a missing bundle.
        clock: a monotonic clock, in seconds.
        now: the time of arrival of an event, in seconds since 1970.
    """

    def __init__(
        self,
        policy: Policy,
        bundle: Bundle | None,
        *,
        places: int = 512,
        why_no_bundle: str = "no_bundle",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.policy = policy
        self.bundle = bundle
        self.why_no_bundle = why_no_bundle
        self.late_answers = LateAnswers()
        self._clock = clock
        self._now = now
        self._sessions = Sessions(bundle) if bundle else None
        self._rules = RuleTimeline()
        self._answered: FairCache[Provisional] = FairCache(_ANSWERED)
        self._memory: RequestMemory[Answer] = RequestMemory(places)

    def use(self, bundle: Bundle | None, choose: Callable[[str], Bundle]) -> None:
        """Decide with other bundles from now on.

        Args:
            bundle: the bundle of households outside a canary, whose policy gives the fallbacks;
                ``None`` disables the gateway's rung.
            choose: returns the bundle that decides for a household.
        """
        self.bundle = bundle
        if bundle is None:
            self._sessions = None
            return
        self.policy = bundle.policy
        if self._sessions is None:
            self._sessions = Sessions(bundle)
            self._sessions.rules = self._rules
        self._sessions.choose = choose

    def use_rules(self, rules: RuleTimeline) -> None:
        """Let these rules change the gateway's verdicts, and make the policy's stricter."""
        self._rules = rules
        if self._sessions is not None:
            self._sessions.rules = rules

    async def decide(
        self, event: IntentEvent, exchange: Exchange, context: RequestContext
    ) -> Answer:
        """Answer within the client's deadline; a repeated event gets the same answer.

        Raises:
            RecordError: with code ``id_reused``, if the event_id belongs to a different event.
        """
        entry = self._memory.find(event)
        if entry is None:
            entry = self._request(event, exchange, context)
        timer = asyncio.get_running_loop().call_later(max(context.wait, 0.0), entry.abandon)
        try:
            return await asyncio.shield(entry.answer)
        finally:
            timer.cancel()

    def late(self, correlation: str, reply: Reply, exchange: Exchange) -> None:
        """Process a reply that no request waits for.

        It is a command to erase a household, or a worker's decision that came after the answer.
        A late decision that differs from the answer is an incident.
        """
        if reply.type == COMMAND.type:
            self._apply(reply.value)
        if reply.type != DECISION.type:
            return
        try:
            decided = DECISION.decode(reply.value)
        except RecordError:
            return
        given = self._answered.pop(decided.household_id, correlation)
        if given is None:
            return
        metrics.LATE.inc()
        if any(reason.code == HOUSEHOLD_ERASED for reason in decided.reasons):
            # The household was erased before the event was decided: not a disagreement.
            self.forget(decided.household_id)
            return
        late = late_answer(given, decided, self._clock())
        if late is None:
            return
        metrics.LATE_DISAGREEMENTS.inc()
        logger.warning(
            "incident: answered %s, but the worker decided %s %d ms later; "
            "'misfire decisions late' lists it",
            late.answered,
            late.decided,
            late.late_ms,
        )
        publish_incident(late, exchange)
        self.late_answers.publish(late, given.callback, given.tenant)

    def forget(self, household_id: str) -> None:
        """Forget an erased household everywhere."""
        if self._sessions:
            self._sessions.forget(household_id)
        self._answered.forget(household_id)
        self._memory.forget(household_id)
        self.late_answers.forget(household_id)

    def forget_all(self) -> None:
        """Forget every household, because a missed reply may have been an erasure."""
        if self._sessions:
            self._sessions.clear()
        self._answered.clear()
        self._memory.clear()
        self.late_answers.clear()

    def _request(
        self, event: IntentEvent, exchange: Exchange, context: RequestContext
    ) -> RememberedRequest[Answer]:
        """Send the event at once, to keep a household's events in order of arrival in the log."""
        began = self._clock()
        admitted = self._memory.places.admits(
            context.tenant, event.household_id, share_of(event, self.policy)
        )
        pending = publish_intent(event, exchange, context.trace)
        if admitted:
            answer = asyncio.create_task(self._decide(event, exchange, context, pending, began))
            return self._memory.keep(event, context.tenant, answer, pending.reply)
        fallback = self._fallback(event, "overloaded")
        self._remember(event, context, pending, fallback)
        decision = self._answer_without_worker(event, exchange, pending, fallback)
        at_once: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        at_once.set_result(self._counted(decision, began, context))
        return self._memory.keep(event, context.tenant, at_once, pending.reply)

    def _apply(self, value: bytes) -> None:
        with suppress(RecordError):
            command = COMMAND.decode(value)
            if command.command is Command.ERASE:
                self.forget(command.household_id)

    async def _decide(
        self,
        event: IntentEvent,
        exchange: Exchange,
        context: RequestContext,
        pending: PendingRequest,
        began: float,
    ) -> Answer:
        turn = (
            self._sessions.begin(event, context.tenant, at=self._now()) if self._sessions else None
        )
        decision = None
        if exchange.connected and context.wait > 0:
            # The gateway's own decision must be ready by the deadline if no worker answers.
            ready = asyncio.get_running_loop().call_later(
                context.wait * _READY_SHARE, self._own_decision, event, turn
            )
            decision = await self._worker_decision(event, pending)
            ready.cancel()
        if decision is None:
            own = with_reason(
                self._own_decision(event, turn),
                event,
                reason_code(connected=exchange.connected, wait=context.wait, stored=pending.stored),
            )
            if self._memory.remembers(event, pending.reply):
                self._remember(event, context, pending, own)
            decision = self._answer_without_worker(event, exchange, pending, own)
        elif turn is not None and self._sessions:
            self._sessions.follow(turn, decision)
        return self._counted(decision, began, context)

    async def _worker_decision(
        self, event: IntentEvent, pending: PendingRequest
    ) -> Decision | None:
        """Return the worker's decision; ``None`` if it is late or unreadable."""
        try:
            reply = await pending.reply
            if reply.type != REFUSAL.type:
                decided = DECISION.decode(reply.value)
                asked = (event.household_id, event.event_id)
                return decided if (decided.household_id, decided.event_id) == asked else None
            code = REFUSAL.decode(reply.value).code
        except (TimeoutError, RecordError):
            return None
        if code == "id_reused":
            raise RecordError(code, ID_REUSED)
        return self._fallback(event, "worker_refused")

    def _own_decision(self, event: IntentEvent, turn: Turn | None) -> Decision:
        """Return the gateway's decision, or the policy's fallback without a bundle."""
        if self._sessions is None or turn is None:
            return self._fallback(event, self.why_no_bundle)
        try:
            return self._sessions.judge(turn)
        except Exception:
            logger.exception("the core failed in the gateway on an event of %s", event.intent)
            return self._fallback(event, "internal_error")

    def _fallback(self, event: IntentEvent, code: str) -> Decision:
        def matching() -> RuleSet:
            at, household_id = self._now(), event.household_id
            ours = self._rules.of(household_id, tenant_of(household_id), at=at)
            return ours.only(event.intent, event.device_id, at)

        return fallback_under_rules(
            event, self.policy, matching, code=code, text=REASONS[code], failed=_rules_failed
        )

    def _remember(
        self,
        event: IntentEvent,
        context: RequestContext,
        pending: PendingRequest,
        decision: Decision,
    ) -> None:
        """Remember an answer of a lower rung until the worker's decision arrives."""
        given = provisional(decision, self._clock(), context.callback, context.tenant)
        self._answered.put(context.tenant, event.household_id, pending.correlation, given)

    def _answer_without_worker(
        self, event: IntentEvent, exchange: Exchange, pending: PendingRequest, decision: Decision
    ) -> Decision:
        """Stop waiting for the worker, and report the outcome of the answer to it."""
        exchange.abandon(pending.correlation)
        if event.commits:
            publish_outcome(event, exchange, decision)
        return decision

    def _counted(self, decision: Decision, began: float, context: RequestContext) -> Answer:
        seconds = self._clock() - began
        count_answer(decision, seconds, context.seconds)
        return Answer(decision, seconds)
