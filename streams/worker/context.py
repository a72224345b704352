"""What the two agents of a worker share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from detector.decision.bundle import Bundle
from streams.errors import RecordError
from streams.telemetry import metrics
from streams.wire.state.marks import Marks, earlier_topic, is_applied
from streams.worker.block_budgets import BlockBudgets
from streams.worker.handling import Incoming
from streams.worker.sending import Sender
from streams.worker.shadow import Shadow
from streams.worker.table import Households

__all__ = ["Context"]


@dataclass(slots=True)
class Context:
    """The bundle, the states and the producer, with the settings of both agents.

    Attributes:
        bundle: the bundle that decides.
        households: the states of the households.
        sender: sends what the worker writes.
        blocks: the block budgets.
        token_ids: reject records whose ids are not tokens.
        confirmation_key: the key that checks proofs of confirmations.
        shadow: decides again on each event, without effect, after the answer is sent.
    """

    bundle: Bundle
    households: Households
    sender: Sender
    blocks: BlockBudgets = field(default_factory=BlockBudgets)
    token_ids: bool = False
    confirmation_key: bytes | None = None
    shadow: Shadow | None = None

    def applied(self, marks: Marks, record: Incoming) -> bool:
        """Return whether a record was applied before; count marks of a topic that was recreated."""
        if earlier_topic(marks, record.mark):
            metrics.EARLIER_TOPIC.labels(record.topic).inc()
        return is_applied(marks, record.mark)

    async def refuse(self, event: Any, record: Incoming, error: RecordError) -> None:
        """Send a record to the dead letters, and a refusal to its caller."""
        await self.households.stage(event, await self.sender.refusal(record, error))
