"""The agent of intents: decides events, applies erasures and answers probes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from detector.decision.bundle import Bundle
from detector.decision.decide import is_reused
from detector.household.early_outcomes import refused_early
from detector.household.learning import dropped_sessions
from detector.judge.calibration import NEW_HOUSEHOLD_SESSIONS
from streams.errors import RecordError
from streams.telemetry import metrics
from streams.telemetry.logs import facts, log_facts
from streams.telemetry.recording import (
    count_decision,
    count_rule,
    observe_command,
    observe_refused,
)
from streams.telemetry.spans import Tracer
from streams.telemetry.unclassified import UnclassifiedLog
from streams.wire.announcements import IN_USE
from streams.wire.records import INTENT, PROBE_ANSWERED, Command, header
from streams.wire.refusals import ID_REUSED
from streams.wire.reply_headers import trace_of
from streams.wire.state.packing import Stored
from streams.worker.context import Context
from streams.worker.erasure import answer_erased, erased, erased_before, is_erased
from streams.worker.evidence_counts import EvidenceByBundle
from streams.worker.handling import (
    Incoming,
    announcement_of,
    decide_record,
    is_command,
    is_label,
    is_probe,
    is_upload,
    read_command,
    read_intent,
    read_upload,
    with_intent,
)
from streams.worker.labels import LabelsHandler
from streams.worker.uploads import uploaded

__all__ = ["IntentsAgent"]

logger = logging.getLogger(__name__)

_INTENT = INTENT.type.encode()


class IntentsAgent:
    """Handles the records of ``assistant.intents``.

    Args:
        context: what it shares with the agent of outcomes.
        tracer: creates a span for each decision.
    """

    def __init__(self, context: Context, tracer: Tracer) -> None:
        self.evidence = EvidenceByBundle()
        self.tracer = tracer
        self._context = context
        self._households, self._sender = context.households, context.sender
        self._labels = LabelsHandler(context)
        self._unclassified_log = UnclassifiedLog()

    async def handle(self, event: Any, record: Incoming) -> None:
        """Decide on an event, answer a probe, or apply an operator's command, label or upload."""
        if header(record.headers, "ce_type") == _INTENT:  # nearly all records
            await self._decision(event, record)
        elif is_probe(record):
            await self._probe(event, record)
        elif is_command(record):
            await self._command(event, record)
        elif is_label(record):
            await self._labels.handle(event, record)
        elif is_upload(record):
            await self._upload(event, record)
        else:
            await self._decision(event, record)

    async def _decision(self, event: Any, record: Incoming) -> None:
        await self._context.current_rules.wait()
        try:
            intent = read_intent(record, token_ids=self._context.token_ids)
            stored = self._households.get(intent.household_id)
            if is_reused(stored.state, intent):
                raise RecordError("id_reused", ID_REUSED)  # noqa: TRY301 - refused as an unreadable record is
        except RecordError as error:
            await self._context.refuse(event, record, error)
            return
        if await self._skipped(event, record, stored, intent.event_id):
            return
        rules = self._context.rules_of(intent.household_id, record.timestamp)
        if is_erased(stored, record):
            metrics.AFTER_ERASURE.labels(record.topic).inc()
            bundle = self._bundle(record, intent.household_id)
            answer = answer_erased(intent, bundle, rules, at=record.timestamp)
            count_rule(answer)
            sent = await self._sender.reply(record, answer)
            await self._households.stage(event, sent, with_intent(stored, record))
            return
        known = stored.decided(intent.event_id) is not None
        bundle = self._bundle(record, intent.household_id)
        stored = self._context.deciding.carried(stored, bundle)
        budget = bundle.policy.block_budget
        with self.tracer.span("decide", trace_of(record.headers), awaited=False) as span:
            decision, after, failed = decide_record(
                stored,
                intent,
                record,
                bundle,
                at=record.timestamp,
                over_budget=self._context.blocks.spent(intent.household_id, budget),
                proofs=self._context.confirmation_key is not None,
                rules=rules,
                announce=self.evidence.of(bundle).add,
            )
            found = facts(decision)
            span.facts |= found
            log_facts(logger, "decided", found, span.traceparent)
            self._unclassified_log.record(decision)
        sent = await self._sender.decided(record, decision, span.traceparent)
        if failed:
            sent.append(
                await self._sender.dead_letter(
                    record, RecordError("internal_error", "the core failed on this event")
                )
            )
        await self._households.stage(event, sent, after)
        if known:
            metrics.DUPLICATES.labels(record.topic).inc()
        else:
            if self._context.shadows and not failed:
                self._context.shadows.decided(
                    stored.state,
                    self._context.deciding.library.reference(bundle),
                    intent,
                    decision,
                    span.traceparent,
                    at=record.timestamp,
                    rules=rules,
                )
            self._context.blocks.count(intent, decision, budget, at=record.timestamp)
            metrics.EVENTS.inc()
            metrics.DROPPED.inc(
                dropped_sessions(
                    stored.state,
                    after.state,
                    at=record.timestamp,
                    undo_window=bundle.policy.undo_window_seconds,
                )
            )
            metrics.CLOCKS_REPLACED.inc(decision.clock_replaced)
            count_decision(decision)
            observe_refused(*refused_early(stored.state, intent, decision))
            if intent.commits:
                observe_command(
                    decision,
                    new=stored.state.learned < NEW_HOUSEHOLD_SESSIONS,
                    known=bundle.model.vocabulary.knows_intent(intent.intent),
                )

    def _bundle(self, record: Incoming, household_id: str) -> Bundle:
        return self._context.deciding.at(record.partition, record.offset, household_id)

    async def _probe(self, event: Any, record: Incoming) -> None:
        """Apply an announcement's mark, or answer a probe with the bundle that decides here."""
        number = announcement_of(record)
        if number is not None:
            await self._mark(number, record)
        used = self._context.deciding.in_use(record.partition, record.offset)
        sent = await self._sender.answer(record, PROBE_ANSWERED, IN_USE.encode(used))
        await self._households.stage(event, sent)

    async def _mark(self, number: int, record: Incoming) -> None:
        deciding = self._context.deciding
        if not deciding.knows(number) and not await self._context.announced(number):
            logger.error(
                "partition %d has a mark of announcement %d, which is not on misfire.bundles; the "
                "bundle does not change",
                record.partition,
                number,
            )
            return
        if deciding.mark(number, record.partition, record.offset):
            await asyncio.to_thread(deciding.prepare)
            metrics.BUNDLE_SWAPS.inc()
            logger.info(
                "announcement %d holds in partition %d from offset %d on",
                number,
                record.partition,
                record.offset,
            )

    async def _command(self, event: Any, record: Incoming) -> None:
        try:
            given = read_command(record, token_ids=self._context.token_ids)
        except RecordError as error:
            await self._context.refuse(event, record, error)
            return
        if given.command is Command.EXPORT_REFUSED:
            metrics.EXPORTS_REFUSED.inc()
            await self._households.stage(event, [])
            return
        stored = self._households.get(given.household_id)
        if self._context.applied(stored.intents, record) or erased_before(stored, record):
            metrics.DUPLICATES.labels(record.topic).inc()
            await self._households.stage(event, [])
            return
        sent = await self._sender.broadcast_erasure(record)
        self._context.blocks.forget(given.household_id)
        await self._households.stage(event, sent, erased(stored, record))
        metrics.ERASED.inc()

    async def _upload(self, event: Any, record: Incoming) -> None:
        try:
            given = read_upload(record, token_ids=self._context.token_ids)
            stored = self._households.get(given.household_id)
            if self._context.applied(stored.intents, record):
                metrics.DUPLICATES.labels(record.topic).inc()
                await self._households.stage(event, [])
                return
            after = uploaded(stored, given, record)
        except RecordError as error:
            await self._context.refuse(event, record, error)
            return
        await self._households.stage(event, [], after)

    async def _skipped(self, event: Any, record: Incoming, stored: Stored, event_id: str) -> bool:
        """Skip a record that was applied before; return whether it was.

        Its decision is already in the log. It is sent again to a caller that is still waiting.
        """
        if not self._context.applied(stored.intents, record):
            return False
        metrics.DUPLICATES.labels(record.topic).inc()
        earlier = stored.decided(event_id)
        await self._households.stage(
            event, await self._sender.reply(record, earlier) if earlier else []
        )
        return True
