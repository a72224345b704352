"""The agent of outcomes: applies outcomes and the answers to confirmations."""

from __future__ import annotations

from typing import Any

from streams.errors import RecordError
from streams.telemetry import metrics
from streams.telemetry.recording import observe_answer, observe_outcome, observe_refused
from streams.wire.records import RESULT
from streams.worker.context import Context
from streams.worker.erasure import outlived
from streams.worker.handling import (
    Incoming,
    answer_record,
    is_answer,
    read_answer,
    read_outcome,
    settle_record,
    with_outcome,
)

__all__ = ["OutcomesAgent"]


class OutcomesAgent:
    """Handles the records of ``assistant.outcomes``.

    Args:
        context: what it shares with the agent of intents.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._households, self._sender = context.households, context.sender

    async def handle(self, event: Any, record: Incoming) -> None:
        """Apply an outcome, or an answer to a confirmation."""
        if is_answer(record):
            await self._confirmation(event, record)
            return
        try:
            outcome = read_outcome(record, token_ids=self._context.token_ids)
        except RecordError as error:
            await self._context.refuse(event, record, error)
            return
        stored = self._households.get(outcome.household_id)
        if self._context.applied(stored.outcomes, record):
            metrics.DUPLICATES.labels(record.topic).inc()
            again = settle_record(stored, outcome, record, at=record.timestamp)
            sent = [] if again.failed else await self._sender.settled(record, again.refused)
            await self._households.stage(event, sent)
            return
        if outlived(stored, outcome):
            metrics.AFTER_ERASURE.labels(record.topic).inc()
            after = with_outcome(stored, record)
            await self._households.stage(event, await self._sender.reply(record, None), after)
            return
        found = settle_record(stored, outcome, record, at=record.timestamp)
        if found.failed:
            letter = await self._sender.dead_letter(
                record, RecordError("internal_error", "the core failed on this outcome")
            )
            await self._households.stage(event, [letter], found.stored)
            return
        await self._households.stage(
            event, await self._sender.settled(record, found.refused), found.stored
        )
        if found.refused is not None:
            observe_refused((outcome, found.refused))
            return
        observe_outcome(outcome, stored.decided(outcome.event_id))

    async def _confirmation(self, event: Any, record: Incoming) -> None:
        try:
            given = read_answer(record, token_ids=self._context.token_ids)
        except RecordError as error:
            await self._context.refuse(event, record, error)
            return
        stored = self._households.get(given.household_id)
        self._context.applied(stored.outcomes, record)
        result, after = answer_record(
            stored,
            given,
            record,
            self._context.deciding.of(stored),
            self._context.confirmation_key,
        )
        if result is None:
            failed = RecordError("internal_error", "the core failed on this answer")
            await self._households.stage(
                event, [await self._sender.dead_letter(record, failed)], after
            )
            return
        sent = await self._sender.answer(record, RESULT.type, RESULT.encode(result))
        if after is stored:
            metrics.DUPLICATES.labels(record.topic).inc()
            await self._households.stage(event, sent)
            return
        await self._households.stage(event, sent, after)
        observe_answer(
            given.method, result, stored.decided(result.event_id) if result.event_id else None
        )
