"""The worker: its two agents, and what starts and releases them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streams.kafka.topic_ids import NONE_KNOWN, Identities
from streams.kafka.topics import INTENTS
from streams.telemetry.spans import ForwardingTracer, Tracer
from streams.worker.app import Parts
from streams.worker.context import Context
from streams.worker.deciding import Deciding
from streams.worker.intake import Intake
from streams.worker.intents_agent import IntentsAgent
from streams.worker.outcomes_agent import OutcomesAgent
from streams.worker.sending import Sender
from streams.worker.shadow import Shadows
from streams.worker.table import Households

__all__ = ["Worker"]


class Worker:
    """Connects the app's streams with the core.

    Args:
        parts: the Faust app with its topics and its table.
        deciding: the bundles that decide.
        on_error: called with an agent's name and its error. Faust would otherwise restart the agent
            at the same record forever.
        token_ids: reject records whose ids are not tokens.
        producer_time: accept record times set by producers; otherwise such records are counted.
        confirmation_key: the key that checks proofs of confirmations.
        tracer: creates a span for each decision.
        shadows: decide again on each command, without effect, after the answer is sent.
        identities: the ids of the topics that are read. Without them, a repeated record cannot be
            recognised by its offset.
    """

    def __init__(
        self,
        parts: Parts,
        deciding: Deciding,
        on_error: Callable[[str, Exception], None],
        *,
        token_ids: bool = False,
        producer_time: bool = False,
        confirmation_key: bytes | None = None,
        tracer: Tracer | None = None,
        shadows: Shadows | None = None,
        identities: Identities = NONE_KNOWN,
    ) -> None:
        self.parts = parts
        self.identities = identities
        self.households = Households(parts.table)
        self.context = Context(
            deciding=deciding,
            households=self.households,
            sender=Sender(parts),
            token_ids=token_ids,
            confirmation_key=confirmation_key,
            shadows=shadows,
        )
        self._intake = Intake(
            parts, self.context, identities, on_error, producer_time=producer_time
        )
        self.lag = self._intake.lag
        self._intents = IntentsAgent(self.context, tracer or ForwardingTracer())
        self.evidence = self._intents.evidence
        self._outcomes = OutcomesAgent(self.context)

    def attach(self) -> list[Any]:
        """Register the agents with the app and return them."""
        self.parts.app.transport.only_earlier = self._only_earlier
        self.parts.app.transport.uncommitted = self._uncommitted
        register = self.parts.app.agent
        return [
            register(self.parts.intents, name="intents", concurrency=1)(self.intents),
            register(self.parts.outcomes, name="outcomes", concurrency=1)(self.outcomes),
        ]

    async def intents(self, stream: Any) -> None:
        """Decide on each intent event."""
        await self._intake.each(stream, "intent", self._intents.handle)

    async def outcomes(self, stream: Any) -> None:
        """Apply each outcome."""
        await self._intake.each(stream, "outcome", self._outcomes.handle)

    async def release(self) -> None:
        """Write what is staged and clear all caches: another worker may own the households next."""
        await self.households.drain()
        self.context.blocks.forget_all()
        self.context.deciding.forget_marks()

    def _only_earlier(self, topic: str, partition: int) -> bool:
        partitions = self.parts.app.conf.topic_partitions
        return self.households.only_earlier(
            topic, partition, topic_id=self.identities.of(topic), partitions=partitions
        )

    def _uncommitted(self, topic: str, partition: int) -> int | None:
        return self.context.deciding.uncommitted(partition) if topic == INTENTS else None
