"""The worker's two agents: one decides intent events, one applies outcomes and confirmations."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from detector.contracts.confirmations import Result
from detector.contracts.decisions import Decision
from detector.contracts.outcome_table import SENTENCES, OutcomeRefused
from detector.decision.bundle import Bundle
from detector.decision.decide import is_reused
from detector.household.early_outcomes import refused_early
from detector.judge.calibration import NEW_HOUSEHOLD_SESSIONS
from streams.errors import RecordError
from streams.kafka.topic_ids import NONE_KNOWN, Identities
from streams.kafka.topics import CREATE_TIME, DEAD_LETTERS, DECISIONS, REPLIES
from streams.telemetry import metrics
from streams.telemetry.logs import facts, log_decision
from streams.telemetry.recording import (
    count_decision,
    observe_answer,
    observe_command,
    observe_outcome,
    observe_refused,
)
from streams.telemetry.spans import ForwardingTracer, Tracer
from streams.telemetry.unclassified import UnclassifiedLog
from streams.wire.records import (
    ANSWERED_PARTITION,
    COMMAND,
    DECISION,
    FIRST_LOGGED,
    LATE_MS,
    OUTCOME_APPLIED,
    PROBE_ANSWERED,
    REFUSAL,
    RESULT,
    Command,
    Refusal,
    first_logged,
    header,
)
from streams.wire.refusals import ID_REUSED
from streams.wire.reply_headers import reply_headers, reply_target, trace_of
from streams.wire.state.marks import Marks, earlier_topic, is_applied, partition_of
from streams.wire.state.packing import Stored
from streams.worker.app import Parts
from streams.worker.block_budgets import BlockBudgets
from streams.worker.dead_letters import LARGEST_KEY, LARGEST_LETTER, letter_about, size_of
from streams.worker.erasure import answer_erased, erased, erased_before, is_erased, outlived
from streams.worker.evidence_counts import EvidenceCounts
from streams.worker.handling import (
    Incoming,
    answer_record,
    decide_record,
    is_answer,
    is_command,
    is_probe,
    read_answer,
    read_command,
    read_intent,
    read_outcome,
    settle_record,
    with_intent,
    with_outcome,
)
from streams.worker.lag import Lag
from streams.worker.shadow import Shadow
from streams.worker.table import Households

__all__ = ["Worker"]

logger = logging.getLogger(__name__)

_SOURCE = "misfire/worker"


class Worker:
    """Connects the app's streams with the core.

    Args:
        parts: the Faust app with its topics and its table.
        bundle: the bundle that decides.
        on_error: called with an agent's name and its error. Faust would otherwise restart the agent
            at the same record forever.
        token_ids: reject records whose ids are not tokens.
        producer_time: accept record times set by producers; otherwise such records are counted.
        confirmation_key: the key that checks proofs of confirmations.
        tracer: creates a span for each decision.
        shadow: decides again on each event, without effect, after the answer is sent.
        identities: the ids of the topics that are read. Without them, a repeated record cannot be
            recognised by its offset.
    """

    def __init__(
        self,
        parts: Parts,
        bundle: Bundle,
        on_error: Callable[[str, Exception], None],
        *,
        token_ids: bool = False,
        producer_time: bool = False,
        confirmation_key: bytes | None = None,
        tracer: Tracer | None = None,
        shadow: Shadow | None = None,
        identities: Identities = NONE_KNOWN,
    ) -> None:
        self.parts = parts
        self.identities = identities
        self.confirmation_key = confirmation_key
        self.tracer = tracer or ForwardingTracer()
        self.shadow = shadow
        self.blocks = BlockBudgets()
        self.token_ids = token_ids
        self.producer_time = producer_time
        self.bundle = bundle
        self.on_error = on_error
        self.households = Households(parts.table)
        self.lag = Lag()
        self.evidence = EvidenceCounts(bundle)
        self.unclassified_log = UnclassifiedLog()

    def attach(self) -> list[Any]:
        """Register the agents with the app and return them."""
        self.parts.app.transport.only_earlier = self._only_earlier
        register = self.parts.app.agent
        return [
            register(self.parts.intents, name="intents", concurrency=1)(self.intents),
            register(self.parts.outcomes, name="outcomes", concurrency=1)(self.outcomes),
        ]

    async def intents(self, stream: Any) -> None:
        """Decide on each intent event."""
        await self._each(stream, self._intent)

    async def outcomes(self, stream: Any) -> None:
        """Apply each outcome."""
        await self._each(stream, self._outcome)

    async def release(self) -> None:
        """Write what is staged and clear all caches: another worker may own the households next."""
        await self.households.drain()
        self.blocks.forget_all()
        if self.shadow:
            self.shadow.clear()

    async def _each(self, stream: Any, handle: Callable[[Any, Incoming], Awaitable[None]]) -> None:
        try:
            async for event in stream.noack().events():
                async with self.households.working:
                    if self._owns(event):
                        record = self._incoming(event)
                        if event.message.timestamp_type == CREATE_TIME and not self.producer_time:
                            metrics.PRODUCER_TIMES.labels(record.topic).inc()
                        self.households.taken += 1
                        if not await self._forwarded(event, record):
                            await handle(event, record)
                        self.lag.worked_on(
                            record.topic, record.partition, record.offset, record.timestamp
                        )
        except Exception as error:
            self.on_error(handle.__name__, error)
            raise

    def _owns(self, event: Any) -> bool:
        """Return whether this worker still owns the record's partition.

        Otherwise Kafka delivers the record to the new owner.
        """
        app = self.parts.app
        current: bool = event.message.generation_id == app.consumer_generation_id
        return current and bool(app.flow_control.is_active())

    async def _forwarded(self, event: Any, record: Incoming) -> bool:
        """Forward a record from a wrong partition to its household's; return whether it did.

        Such records come from producers with an outdated partition count or another partitioner. A
        household's state is kept and written only with its own partition.
        """
        if record.key is None or len(record.key) > LARGEST_KEY:
            return False  # not a household id: rejected below
        home = partition_of(record.key, self.parts.app.conf.topic_partitions)
        if home == record.partition:
            return False
        if size_of(record) > LARGEST_LETTER:
            text = (
                "the record is too large to be forwarded to its household's partition;"
                " produce with Kafka's default partitioner"
            )
            await self._refuse(event, record, RecordError("too_large", text))
            return True
        metrics.PASSED_ON.labels(record.topic).inc()
        headers = [each for each in record.headers if each[0] != FIRST_LOGGED]
        headers.append(first_logged(record.headers, record.timestamp))
        sent = await self._producer.send(
            record.topic, record.key, record.value, home, None, headers
        )
        await self.households.stage(event, [sent])
        return True

    def _only_earlier(self, topic: str, partition: int) -> bool:
        partitions = self.parts.app.conf.topic_partitions
        return self.households.only_earlier(
            topic, partition, topic_id=self.identities.of(topic), partitions=partitions
        )

    def _applied(self, marks: Marks, record: Incoming) -> bool:
        """Return whether a record was applied before; count marks of a topic that was recreated."""
        if earlier_topic(marks, record.mark):
            metrics.EARLIER_TOPIC.labels(record.topic).inc()
        return is_applied(marks, record.mark)

    async def _intent(self, event: Any, record: Incoming) -> None:
        if is_probe(record):
            await self.households.stage(event, await self._answer(record, PROBE_ANSWERED, b""))
        elif is_command(record):
            await self._command(event, record)
        else:
            await self._decision(event, record)

    async def _decision(self, event: Any, record: Incoming) -> None:
        try:
            intent = read_intent(record, token_ids=self.token_ids)
            stored = self.households.get(intent.household_id)
            if is_reused(stored.state, intent):
                raise RecordError("id_reused", ID_REUSED)  # noqa: TRY301 - refused as an unreadable record is
        except RecordError as error:
            await self._refuse(event, record, error)
            return
        if await self._skipped(event, record, stored, intent.event_id):
            return
        if is_erased(stored, record):
            metrics.AFTER_ERASURE.labels(record.topic).inc()
            sent = await self._reply(record, answer_erased(intent, self.bundle))
            await self.households.stage(event, sent, with_intent(stored, record))
            return
        known = stored.decided(intent.event_id) is not None
        budget = self.bundle.policy.block_budget
        with self.tracer.span("decide", trace_of(record.headers), awaited=False) as span:
            decision, after, failed = decide_record(
                stored,
                intent,
                record,
                self.bundle,
                at=record.timestamp,
                over_budget=self.blocks.spent(intent.household_id, budget),
                proofs=self.confirmation_key is not None,
                announce=self.evidence.add,
            )
            span.facts |= facts(decision)
            log_decision(logger, "decided", decision, span.traceparent)
            self.unclassified_log.record(decision)
        sent = await self._reply(record, decision, span.traceparent)
        sent.append(await self._send(DECISIONS, record.key, decision, span.traceparent))
        if failed:
            sent.append(
                await self._dead_letter(
                    record, RecordError("internal_error", "the core failed on this event")
                )
            )
        await self.households.stage(event, sent, after)
        if known:
            metrics.DUPLICATES.labels(record.topic).inc()
        else:
            if self.shadow and not failed:
                self.shadow.decided(
                    stored.state, intent, decision, span.traceparent, at=record.timestamp
                )
            self.blocks.count(intent, decision, budget, at=record.timestamp)
            metrics.EVENTS.inc()
            metrics.CLOCKS_REPLACED.inc(decision.clock_replaced)
            count_decision(decision)
            observe_refused(*refused_early(stored.state, intent, decision))
            if intent.commits:
                observe_command(
                    decision,
                    new=stored.state.learned < NEW_HOUSEHOLD_SESSIONS,
                    known=self.bundle.model.vocabulary.knows_intent(intent.intent),
                )

    async def _outcome(self, event: Any, record: Incoming) -> None:
        if is_answer(record):
            await self._confirmation(event, record)
            return
        try:
            outcome = read_outcome(record, token_ids=self.token_ids)
        except RecordError as error:
            await self._refuse(event, record, error)
            return
        stored = self.households.get(outcome.household_id)
        if self._applied(stored.outcomes, record):
            metrics.DUPLICATES.labels(record.topic).inc()
            again = settle_record(stored, outcome, record, at=record.timestamp)
            sent = [] if again.failed else await self._settled(record, again.refused)
            await self.households.stage(event, sent)
            return
        if outlived(stored, outcome):
            metrics.AFTER_ERASURE.labels(record.topic).inc()
            after = with_outcome(stored, record)
            await self.households.stage(event, await self._reply(record, None), after)
            return
        found = settle_record(stored, outcome, record, at=record.timestamp)
        if found.failed:
            letter = await self._dead_letter(
                record, RecordError("internal_error", "the core failed on this outcome")
            )
            await self.households.stage(event, [letter], found.stored)
            return
        await self.households.stage(event, await self._settled(record, found.refused), found.stored)
        if found.refused is not None:
            observe_refused((outcome, found.refused))
            return
        if self.shadow:
            self.shadow.settled(found.stored.state, outcome.event_id, at=record.timestamp)
        observe_outcome(outcome, stored.decided(outcome.event_id))

    async def _confirmation(self, event: Any, record: Incoming) -> None:
        try:
            given = read_answer(record, token_ids=self.token_ids)
        except RecordError as error:
            await self._refuse(event, record, error)
            return
        stored = self.households.get(given.household_id)
        self._applied(stored.outcomes, record)
        result, after = answer_record(stored, given, record, self.bundle, self.confirmation_key)
        if result is None:
            failed = RecordError("internal_error", "the core failed on this answer")
            await self.households.stage(event, [await self._dead_letter(record, failed)], after)
            return
        sent = await self._answer(record, RESULT.type, RESULT.encode(result))
        if after is stored:
            metrics.DUPLICATES.labels(record.topic).inc()
            await self.households.stage(event, sent)
            return
        await self.households.stage(event, sent, after)
        if self.shadow and result.event_id and result.result is not Result.REFUSED:
            self.shadow.settled(after.state, result.event_id, at=record.timestamp)
        observe_answer(
            given.method, result, stored.decided(result.event_id) if result.event_id else None
        )

    async def _command(self, event: Any, record: Incoming) -> None:
        try:
            given = read_command(record, token_ids=self.token_ids)
        except RecordError as error:
            await self._refuse(event, record, error)
            return
        if given.command is Command.EXPORT_REFUSED:
            metrics.EXPORTS_REFUSED.inc()
            await self.households.stage(event, [])
            return
        stored = self.households.get(given.household_id)
        if self._applied(stored.intents, record) or erased_before(stored, record):
            metrics.DUPLICATES.labels(record.topic).inc()
            await self.households.stage(event, [])
            return
        # Broadcast to all partitions: every gateway reads one of them.
        headers = [("ce_type", COMMAND.type.encode())]
        sent = [
            await self._producer.send(REPLIES, None, record.value, number, None, headers)
            for number in range(self.parts.app.conf.topic_partitions)
        ]
        self.blocks.forget(given.household_id)
        if self.shadow:
            self.shadow.forget(given.household_id)
        await self.households.stage(event, sent, erased(stored, record))
        metrics.ERASED.inc()

    async def _skipped(self, event: Any, record: Incoming, stored: Stored, event_id: str) -> bool:
        """Skip a record that was applied before; return whether it was.

        Its decision is already in the log. It is sent again to a caller that is still waiting.
        """
        if not self._applied(stored.intents, record):
            return False
        metrics.DUPLICATES.labels(record.topic).inc()
        earlier = stored.decided(event_id)
        await self.households.stage(event, await self._reply(record, earlier) if earlier else [])
        return True

    async def _refuse(self, event: Any, record: Incoming, error: RecordError) -> None:
        """Send a record to the dead letters, and a refusal to its caller."""
        refusal = REFUSAL.encode(Refusal(code=error.code, detail=str(error)))
        sent = await self._answer(record, REFUSAL.type, refusal)
        await self.households.stage(event, [await self._dead_letter(record, error), *sent])

    async def _settled(
        self, record: Incoming, refused: OutcomeRefused | None
    ) -> list[Awaitable[Any]]:
        """Reply to an outcome: it was applied, or why it was refused."""
        if refused is None:
            return await self._reply(record, None)
        refusal = Refusal(code=refused.value, detail=SENTENCES[refused])
        return await self._answer(record, REFUSAL.type, REFUSAL.encode(refusal))

    async def _reply(
        self, record: Incoming, decision: Decision | None, trace: bytes | None = None
    ) -> list[Awaitable[Any]]:
        """Send the answer to the caller; ``None`` means that an outcome was applied."""
        if decision is None:
            return await self._answer(record, OUTCOME_APPLIED, b"")
        return await self._answer(record, DECISION.type, DECISION.encode(decision), trace)

    async def _answer(
        self, record: Incoming, kind: str, value: bytes, trace: bytes | None = None
    ) -> list[Awaitable[Any]]:
        target = reply_target(record.headers, self.parts.app.conf.topic_partitions)
        if target is None:
            return []
        headers = reply_headers(target, kind, datetime.now(UTC))
        if header(headers, LATE_MS) is not None:
            metrics.REPLIES_LATE.inc()
        headers.append((ANSWERED_PARTITION, str(record.partition).encode()))
        trace = trace or trace_of(record.headers)
        if trace is not None:
            headers.append(("traceparent", trace))
        return [await self._producer.send(REPLIES, None, value, target.partition, None, headers)]

    async def _send(
        self, topic: str, key: bytes | None, decision: Decision, trace: bytes
    ) -> Awaitable[Any]:
        headers = DECISION.headers(
            decision.decision_id, datetime.now(UTC), source=_SOURCE, trace=trace
        )
        sent: Awaitable[Any] = await self._producer.send(
            topic, key, DECISION.encode(decision), None, None, headers
        )
        return sent

    async def _dead_letter(self, record: Incoming, error: RecordError) -> Awaitable[Any]:
        metrics.DEAD_LETTERS.labels(error.code).inc()
        letter = letter_about(record, error)
        sent: Awaitable[Any] = await self._producer.send(
            DEAD_LETTERS, letter.key, letter.value, None, None, letter.headers
        )
        return sent

    @property
    def _producer(self) -> Any:
        return self.parts.app.producer

    def _incoming(self, event: Any) -> Incoming:
        message = event.message
        return Incoming(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            timestamp=message.timestamp,
            key=message.key,
            value=message.value,
            headers=list(message.headers.items())
            if isinstance(message.headers, dict)
            else list(message.headers or ()),
            topic_id=self.identities.of(message.topic),
        )
