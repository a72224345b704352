"""The records that a worker writes: replies, decisions, dead letters and forwarded records.

Each method returns once the producer has buffered the record. Await its result to wait for the
broker's acknowledgement.
"""

from __future__ import annotations

from asyncio import Future
from datetime import UTC, datetime
from typing import Any

from detector.contracts.decisions import Decision
from detector.contracts.labels import Label
from detector.contracts.outcome_table import SENTENCES, OutcomeRefused
from streams.errors import RecordError
from streams.kafka.topics import DEAD_LETTERS, DECISIONS, LABELS, REPLIES
from streams.telemetry import metrics
from streams.wire.records import (
    ANSWERED_PARTITION,
    COMMAND,
    DECISION,
    FIRST_LOGGED,
    LABEL,
    LATE_MS,
    OUTCOME_APPLIED,
    REFUSAL,
    Refusal,
    first_logged,
    header,
)
from streams.wire.reply_headers import reply_headers, reply_target, trace_of
from streams.worker.app import Parts
from streams.worker.dead_letters import letter_about
from streams.worker.handling import Incoming

__all__ = ["Sender"]

_SOURCE = "misfire/worker"


class Sender:
    """Sends what a worker writes, with the app's producer."""

    def __init__(self, parts: Parts) -> None:
        self._app = parts.app

    @property
    def partitions(self) -> int:
        """The number of partitions of every topic."""
        partitions: int = self._app.conf.topic_partitions
        return partitions

    async def reply(
        self, record: Incoming, decision: Decision | None, trace: bytes | None = None
    ) -> list[Future[Any]]:
        """Send the answer to the caller; ``None`` means that an outcome was applied."""
        if decision is None:
            return await self.answer(record, OUTCOME_APPLIED, b"")
        return await self.answer(record, DECISION.type, DECISION.encode(decision), trace)

    async def settled(self, record: Incoming, refused: OutcomeRefused | None) -> list[Future[Any]]:
        """Reply to an outcome: it was applied, or why it was refused."""
        if refused is None:
            return await self.reply(record, None)
        refusal = Refusal(code=refused.value, detail=SENTENCES[refused])
        return await self.answer(record, REFUSAL.type, REFUSAL.encode(refusal))

    async def answer(
        self, record: Incoming, kind: str, value: bytes, trace: bytes | None = None
    ) -> list[Future[Any]]:
        """Send an answer of a type to the caller, if the record names one."""
        target = reply_target(record.headers, self.partitions)
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

    async def refusal(self, record: Incoming, error: RecordError) -> list[Future[Any]]:
        """Send a record to the dead letters, and a refusal to its caller."""
        refusal = REFUSAL.encode(Refusal(code=error.code, detail=str(error)))
        sent = await self.answer(record, REFUSAL.type, refusal)
        return [await self.dead_letter(record, error), *sent]

    async def decided(
        self, record: Incoming, decision: Decision, trace: bytes
    ) -> list[Future[Any]]:
        """Send a decision to the caller, and publish it. It is encoded once."""
        value = DECISION.encode(decision)
        sent = await self.answer(record, DECISION.type, value, trace)
        headers = DECISION.headers(
            decision.decision_id, datetime.now(UTC), source=_SOURCE, trace=trace
        )
        sent.append(await self._producer.send(DECISIONS, record.key, value, None, None, headers))
        return sent

    async def label(self, record: Incoming, label: Label) -> list[Future[Any]]:
        """Publish a label with its effect, and send it to the caller."""
        headers = LABEL.headers(label.label_id, label.time, source=_SOURCE)
        value = LABEL.encode(label)
        sent: Future[Any] = await self._producer.send(
            LABELS, record.key, value, None, None, headers
        )
        return [sent, *await self.answer(record, LABEL.type, value)]

    async def dead_letter(self, record: Incoming, error: RecordError) -> Future[Any]:
        """Send a record to the dead letters."""
        metrics.DEAD_LETTERS.labels(error.code).inc()
        letter = letter_about(record, error)
        sent: Future[Any] = await self._producer.send(
            DEAD_LETTERS, letter.key, letter.value, None, None, letter.headers
        )
        return sent

    async def forward(self, record: Incoming, partition: int) -> Future[Any]:
        """Send a record to another partition of its topic, with the time of its first arrival."""
        headers = [each for each in record.headers if each[0] != FIRST_LOGGED]
        headers.append(first_logged(record.headers, record.timestamp))
        sent: Future[Any] = await self._producer.send(
            record.topic, record.key, record.value, partition, None, headers
        )
        return sent

    async def broadcast_erasure(self, record: Incoming) -> list[Future[Any]]:
        """Send an erasure to all partitions of the replies: every gateway reads one of them."""
        headers = [("ce_type", COMMAND.type.encode())]
        return [
            await self._producer.send(REPLIES, None, record.value, number, None, headers)
            for number in range(self.partitions)
        ]

    @property
    def _producer(self) -> Any:
        return self._app.producer
