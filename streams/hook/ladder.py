"""The ladder: the worker's decision if it comes in time, else the gateway's own, else the policy's. It always answers.

The gateway keeps the sessions that it has seen itself and scores every event with the population's model while it waits.
Its households never learn: what this household usually does, only the worker knows.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from detector.bundle import Bundle
from detector.decisions import Decision, Reason, Rung, Verdict
from detector.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.pipeline import decide, fallback_decision
from detector.policy import Policy
from detector.state import HouseholdState
from streams import metrics
from streams.errors import BadRecord
from streams.hook.exchange import Exchange, Reply
from streams.records import DECISION, INTENT, OUTCOME
from streams.topics import INTENTS, OUTCOMES

__all__ = ["Answer", "Ladder"]

#: Time that is kept for writing the answer: a share of the deadline, and at least so many seconds.
_MARGIN_SHARE, _LEAST_MARGIN = 0.05, 0.004
_HOUSEHOLDS, _ANSWERED = 20_000, 10_000
_SOURCE = "misfire/gateway"


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision, and how many seconds it took."""

    decision: Decision
    seconds: float


class Ladder:
    """Answers intent events.

    Args:
        policy: what answers where there is no bundle.
        bundle: what the gateway's own rung decides with; ``None`` leaves that rung out.
        clock: monotonic seconds.
    """

    def __init__(
        self, policy: Policy, bundle: Bundle | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.policy = policy
        self.bundle = bundle
        self._clock = clock
        self._households: OrderedDict[str, HouseholdState] = OrderedDict()
        self._answered: OrderedDict[str, Verdict] = OrderedDict()
        self._asked: dict[str, asyncio.Task[Answer]] = {}

    async def decide(
        self, event: IntentEvent, exchange: Exchange, deadline: float, trace: bytes | None = None
    ) -> Answer:
        """Answer within ``deadline`` seconds. Asking twice for the same event at a time is asking once."""
        asked = self._asked.get(event.event_id)
        if asked is None:
            asked = asyncio.create_task(self._climb(event, exchange, deadline, trace))
            self._asked[event.event_id] = asked
            asked.add_done_callback(lambda _: self._asked.pop(event.event_id, None))
        return await asyncio.shield(asked)

    def late(self, correlation: str, reply: Reply) -> None:
        """Count a worker's decision that came after the answer."""
        answered = self._answered.pop(correlation, None)
        if answered is None or reply.type != DECISION.type:
            return
        metrics.LATE.inc()
        try:
            differs = DECISION.decode(reply.value).verdict is not answered
        except BadRecord:
            return
        if differs:
            metrics.LATE_DISAGREEMENTS.inc()

    async def _climb(
        self, event: IntentEvent, exchange: Exchange, deadline: float, trace: bytes | None
    ) -> Answer:
        began = self._clock()
        wait = deadline - max(deadline * _MARGIN_SHARE, _LEAST_MARGIN)
        headers = INTENT.headers(event.event_id, event.time, source=_SOURCE, trace=trace)
        correlation, reply = exchange.ask(INTENTS, event.household_id, INTENT.encode(event), headers)
        own = self._own(event)
        decision = await self._workers(reply, wait - (self._clock() - began)) if exchange.connected else None
        if decision is None:
            exchange.give_up(correlation)
            decision = _because(own, event, connected=exchange.connected)
            self._remember_answer(correlation, decision.verdict)
            if event.commits:
                self._tell_outcome(event, decision, exchange)
        seconds = self._clock() - began
        _count(decision, seconds)
        return Answer(decision, seconds)

    async def _workers(self, reply: asyncio.Future[Reply], wait: float) -> Decision | None:
        """The worker's decision, or ``None`` when it does not come in time or cannot be read."""
        try:
            return DECISION.decode((await asyncio.wait_for(reply, max(wait, 0.0))).value)
        except (TimeoutError, BadRecord):
            return None

    def _own(self, event: IntentEvent) -> Decision:
        """The gateway's own decision, or the policy's where there is no bundle."""
        if self.bundle is None:
            text = "The gateway has no bundle, and no worker answered in time; the policy's rule answers."
            return fallback_decision(event, self.policy, code="no_bundle", text=text)
        state = self._households.pop(event.household_id, None) or HouseholdState.new(event.household_id)
        decision, state = decide(state, event, self.bundle, rung=Rung.GATEWAY)
        self._households[event.household_id] = state
        if len(self._households) > _HOUSEHOLDS:
            self._households.popitem(last=False)
        return decision

    def _remember_answer(self, correlation: str, verdict: Verdict) -> None:
        self._answered[correlation] = verdict
        if len(self._answered) > _ANSWERED:
            self._answered.popitem(last=False)

    def _tell_outcome(self, event: IntentEvent, decision: Decision, exchange: Exchange) -> None:
        """Tell the worker what became of a command that it did not decide on in time."""
        ran = decision.effective_verdict is Verdict.ALLOW
        outcome = Outcome(
            event_id=event.event_id,
            household_id=event.household_id,
            outcome=OutcomeKind.EXECUTED if ran else OutcomeKind.EXPIRED,
            source=OutcomeSource.GATEWAY,
            time=event.time,
        )
        headers = OUTCOME.headers(event.event_id, datetime.now(UTC), source=_SOURCE)
        exchange.send(OUTCOMES, event.household_id, OUTCOME.encode(outcome), headers)


def _because(decision: Decision, event: IntentEvent, *, connected: bool) -> Decision:
    """Say why the answer is not the worker's."""
    if decision.rung is not Rung.GATEWAY:
        return decision
    code = "worker_timeout" if connected else "broker_unreachable"
    what = "No worker answered in time" if connected else "Kafka cannot be reached"
    text = f"{what}; the gateway answers with the population's model, without this household's history."
    reason = Reason(code=code, event_id=event.event_id, bits=0.0, text=text)
    return replace(decision, reasons=(reason, *decision.reasons))


def _count(decision: Decision, seconds: float) -> None:
    reason = "" if decision.rung is Rung.WORKER else decision.reasons[0].code
    metrics.ANSWERS.labels(
        decision.rung.value, decision.verdict.value, decision.risk_class.value, reason
    ).inc()
    metrics.ANSWER_SECONDS.labels(decision.rung.value).observe(seconds)
