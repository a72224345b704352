"""Applies the labels among a worker's intents."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from detector.contracts.labels import Label
from detector.household.labelling import apply_label
from streams.errors import RecordError
from streams.telemetry import metrics
from streams.wire.state.packing import Stored
from streams.worker.context import Context
from streams.worker.handling import Incoming, read_label, with_intent

__all__ = ["LabelsHandler", "label_record"]

logger = logging.getLogger(__name__)


def label_record(stored: Stored, label: Label, record: Incoming) -> tuple[Label, Stored]:
    """Apply a label and mark its record as applied; return the label with its effect."""
    effect, state = apply_label(stored.state, label, at=record.timestamp)
    return replace(label, effect=effect), replace(with_intent(stored, record), state=state)


class LabelsHandler:
    """Handles the labels in ``assistant.intents``, in order with their household's events.

    Args:
        context: what it shares with the agents.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._households, self._sender = context.households, context.sender

    async def handle(self, event: Any, record: Incoming) -> None:
        """Apply a label, publish it with its effect, and answer its caller.

        A label that is delivered again was published before its household's state was written.
        """
        try:
            label = read_label(record, token_ids=self._context.token_ids)
        except RecordError as error:
            await self._context.refuse(event, record, error)
            return
        stored = self._households.get(label.household_id)
        if self._context.applied(stored.intents, record):
            metrics.DUPLICATES.labels(record.topic).inc()
            await self._households.stage(event, [])
            return
        try:
            applied, after = label_record(stored, label, record)
        except Exception:
            logger.exception("the core failed on a label at offset %d", record.offset)
            failed = RecordError("internal_error", "the core failed on this label")
            sent = await self._sender.refusal(record, failed)
            await self._households.stage(event, sent, with_intent(stored, record))
            return
        await self._households.stage(event, await self._sender.label(record, applied), after)
        effect = applied.effect.value if applied.effect else ""
        metrics.LABELS.labels(label.label.value, effect).inc()
        logger.info(
            "labelled",
            extra={
                "fields": {
                    "household_id": label.household_id,
                    "event_id": label.event_id,
                    "label": label.label.value,
                    "effect": effect,
                    "by": label.by,
                }
            },
        )
