"""The ladder: the worker's decision if it comes in time, else the gateway's own, else the policy's. It always answers.

The gateway keeps the sessions that it has seen itself (sessions.py) and decides with the population's model when the worker
does not: halfway to the deadline, so that it never has to hurry.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from detector.contracts.decisions import Decision, Reason, Rung, Verdict
from detector.contracts.events import IntentEvent, Outcome, OutcomeKind, OutcomeSource
from detector.decision.bundle import Bundle
from detector.policy.fallback import fallback_decision
from detector.policy.policy import Policy
from streams.errors import RecordError
from streams.gateway.admission import share_of
from streams.gateway.deduplication import Asked, Memory
from streams.gateway.degraded_reasons import CAUSES, REASONS
from streams.gateway.exchange.exchange import Exchange, Question, Reply
from streams.gateway.late_answers import LateAnswers, Provisional, late_answer, provisional
from streams.gateway.sessions import Sessions, Turn
from streams.gateway.shares import Kept
from streams.kafka.topics import INCIDENTS, INTENTS, OUTCOMES
from streams.telemetry import metrics
from streams.telemetry.recording import count_answer
from streams.wire.late_answer import LATE
from streams.wire.records import COMMAND, DECISION, INTENT, OUTCOME, REFUSAL, Command
from streams.wire.refusals import HOUSEHOLD_ERASED, ID_REUSED

__all__ = ["Answer", "Asker", "Ladder"]

logger = logging.getLogger(__name__)

#: Time that is kept for the answer's way back: a share of the deadline, and at least and at most so many seconds. A client waits for its
#: deadline and no longer; on a busy machine an answer took up to 20 ms from here to there.
_MARGIN_SHARE, _LEAST_MARGIN, _MOST_MARGIN = 0.2, 0.004, 0.1
#: The share of the wait after which the gateway decides itself: a worker that is well answers in a tenth of it.
_READY_SHARE = 0.5
#: Answers below the first rung that may still be contradicted.
_ANSWERED = 50_000
_SOURCE = "misfire/gateway"


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision, and how many seconds it took."""

    decision: Decision
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and what an asker says besides the event: seconds left until its deadline, its trace, where it wants late answers.

    ``tenant`` is that of the asker's token, which was checked; ``""`` where no tokens are asked for.
    """

    seconds: float
    trace: bytes | None = None
    callback: str | None = None
    tenant: str = ""

    @property
    def wait(self) -> float:
        """Seconds to wait for a worker: what is left without the time that the answer's way back takes."""
        return self.seconds - max(min(self.seconds * _MARGIN_SHARE, _MOST_MARGIN), _LEAST_MARGIN)


class Ladder:
    """Answers intent events.

    Args:
        policy: what answers where there is no bundle.
        bundle: what the gateway's own rung decides with; ``None`` leaves that rung out.
        places: how many questions may wait for a worker at a time.
        lacking: why there is no bundle, as a reason's code.
        clock: monotonic seconds.
        now: seconds since the epoch: when an event arrives.
    """

    def __init__(
        self,
        policy: Policy,
        bundle: Bundle | None,
        *,
        places: int = 512,
        lacking: str = "no_bundle",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.policy = policy
        self.bundle = bundle
        self.lacking = lacking
        self.late_answers = LateAnswers()
        self._clock = clock
        self._now = now
        self._sessions = Sessions(bundle) if bundle else None
        self._answered: Kept[Provisional] = Kept(_ANSWERED)
        self._memory: Memory[Answer] = Memory(places)

    async def decide(self, event: IntentEvent, exchange: Exchange, asker: Asker) -> Answer:
        """Answer within the asker's deadline. Asking twice for the same event, together or later, is asking once.

        Raises:
            RecordError: with code ``id_reused``, where the event_id belongs to another event.
        """
        asked = self._memory.find(event)
        if asked is None:
            asked = self._ask(event, exchange, asker)
        timer = asyncio.get_running_loop().call_later(max(asker.wait, 0.0), asked.give_up)
        try:
            return await asyncio.shield(asked.answer)
        finally:
            timer.cancel()

    def late(self, correlation: str, reply: Reply, exchange: Exchange) -> None:
        """Take in what nobody waits for: a worker's decision after the answer, an incident where it disagrees; or an erasure."""
        if reply.type == COMMAND.type:
            self._obey(reply.value)
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
            # The event was erased before anybody decided on it: that is no disagreement, and the household is to be forgotten.
            self.forget(decided.household_id)
            return
        late = late_answer(given, decided, self._clock())
        if late is None:
            return
        metrics.LATE_DISAGREEMENTS.inc()
        logger.warning(
            "incident: %s was answered, the worker decided %s %d ms later; 'misfire decisions late' lists it",
            late.answered,
            late.decided,
            late.late_ms,
        )
        headers = LATE.headers(late.decision_id, datetime.now(UTC), source=_SOURCE)
        exchange.send(INCIDENTS, late.household_id, LATE.encode(late), headers)
        self.late_answers.tell(late, given.callback, given.tenant)

    def forget(self, household_id: str) -> None:
        """Forget a household, wherever it is remembered: it was erased."""
        if self._sessions:
            self._sessions.forget(household_id)
        self._answered.forget(household_id)
        self._memory.forget(household_id)
        self.late_answers.forget(household_id)

    def forget_all(self) -> None:
        """Forget every household: replies were missed, and an erasure may have been among them."""
        if self._sessions:
            self._sessions.clear()
        self._answered.clear()
        self._memory.clear()
        self.late_answers.clear()

    def _ask(self, event: IntentEvent, exchange: Exchange, asker: Asker) -> Asked[Answer]:
        """Put the question on its way at once: the log has one household's events in the order in which they came."""
        began = self._clock()
        admitted = self._memory.places.admits(
            asker.tenant, event.household_id, share_of(event, self.policy)
        )
        question = self._send(event, exchange, asker)
        if admitted:
            climbing = asyncio.create_task(self._climb(event, exchange, asker, question, began))
            return self._memory.keep(event, asker.tenant, climbing, question.reply)
        fallback = self._fallback(event, "overloaded")
        self._remember(event, asker, question, fallback)
        decision = self._settle(event, exchange, question, fallback)
        at_once: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        at_once.set_result(self._counted(decision, began, asker))
        return self._memory.keep(event, asker.tenant, at_once, question.reply)

    def _send(self, event: IntentEvent, exchange: Exchange, asker: Asker) -> Question:
        headers = INTENT.headers(event.event_id, event.time, source=_SOURCE, trace=asker.trace)
        return exchange.ask(INTENTS, event.household_id, INTENT.encode(event), headers)

    def _obey(self, value: bytes) -> None:
        with suppress(RecordError):
            command = COMMAND.decode(value)
            if command.command is Command.ERASE:
                self.forget(command.household_id)

    async def _climb(
        self, event: IntentEvent, exchange: Exchange, asker: Asker, question: Question, began: float
    ) -> Answer:
        turn = self._sessions.begin(event, asker.tenant, at=self._now()) if self._sessions else None
        decision = None
        if exchange.connected and asker.wait > 0:
            # Should no worker answer, the gateway's own decision has to be there when time is up.
            ready = asyncio.get_running_loop().call_later(
                asker.wait * _READY_SHARE, self._own, event, turn
            )
            decision = await self._workers(event, question)
            ready.cancel()
        if decision is None:
            own = _because(self._own(event, turn), event, _why(exchange, asker, question))
            if self._memory.remembers(event, question.reply):
                self._remember(event, asker, question, own)
            decision = self._settle(event, exchange, question, own)
        elif turn is not None and self._sessions:
            self._sessions.follow(turn, decision)
        return self._counted(decision, began, asker)

    async def _workers(self, event: IntentEvent, question: Question) -> Decision | None:
        """The worker's decision, or ``None`` when it does not come in time or cannot be read."""
        try:
            reply = await question.reply
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

    def _own(self, event: IntentEvent, turn: Turn | None) -> Decision:
        """The gateway's own decision, or the policy's where there is no bundle."""
        if self._sessions is None or turn is None:
            return self._fallback(event, self.lacking)
        try:
            return self._sessions.judge(turn)
        except Exception:
            logger.exception("the core failed in the gateway on an event of %s", event.intent)
            return self._fallback(event, "internal_error")

    def _fallback(self, event: IntentEvent, code: str) -> Decision:
        return fallback_decision(event, self.policy, code=code, text=REASONS[code])

    def _remember(
        self, event: IntentEvent, asker: Asker, question: Question, decision: Decision
    ) -> None:
        """Remember what is answered without the worker, until its decision comes."""
        given = provisional(decision, self._clock(), asker.callback, asker.tenant)
        self._answered.put(asker.tenant, event.household_id, question.correlation, given)

    def _settle(
        self, event: IntentEvent, exchange: Exchange, question: Question, decision: Decision
    ) -> Decision:
        """Answer without the worker: wait no longer, and tell the worker what became of the event."""
        exchange.give_up(question.correlation)
        if event.commits:
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
        return decision

    def _counted(self, decision: Decision, began: float, asker: Asker) -> Answer:
        seconds = self._clock() - began
        count_answer(decision, seconds, asker.seconds)
        return Answer(decision, seconds)


def _why(exchange: Exchange, asker: Asker, question: Question) -> str:
    """The code of why there is no worker's decision."""
    if not exchange.connected:
        return "broker_unreachable"
    if asker.wait <= 0:
        return "deadline_too_short"
    return "worker_timeout" if question.stored else "broker_timeout"


def _because(decision: Decision, event: IntentEvent, code: str) -> Decision:
    """Say why the answer is not the worker's: first, where the gateway decided; the policy first says why it is not the gateway's."""
    on_the_gateways_rung = decision.rung is Rung.GATEWAY
    text = REASONS[code] if on_the_gateways_rung else f"{CAUSES[code]}."
    reason = Reason(code=code, event_id=event.event_id, bits=0.0, text=text)
    reasons = (reason, *decision.reasons) if on_the_gateways_rung else (*decision.reasons, reason)
    return replace(decision, reasons=reasons)
