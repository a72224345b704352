"""What the two agents of a worker share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from detector.decision.rule_set import RuleSet, UnknownRules
from detector.decision.rule_timeline import RuleTimeline
from streams.errors import RecordError
from streams.telemetry import metrics
from streams.wire.state.marks import Marks, earlier_topic, is_applied
from streams.wire.tenancy import tenant_of
from streams.worker.block_budgets import BlockBudgets
from streams.worker.current_rules import CurrentRules
from streams.worker.deciding import Deciding
from streams.worker.handling import Incoming
from streams.worker.sending import Sender
from streams.worker.shadow import Shadows
from streams.worker.table import Households

__all__ = ["Context"]


async def _not_announced(_: int) -> bool:
    return False


@dataclass(slots=True)
class Context:
    """The bundles, the states and the producer, with the settings of both agents.

    Attributes:
        deciding: the bundles that decide.
        households: the states of the households.
        sender: sends what the worker writes.
        blocks: the block budgets.
        token_ids: reject records whose ids are not tokens.
        confirmation_key: the key that checks proofs of confirmations.
        rules: the rules that change verdicts, and when they did.
        current_rules: waits until they are known.
        shadows: decide again on each command, without effect, after the answer is sent.
        announced: waits until an announcement is known; returns whether it is.
    """

    deciding: Deciding
    households: Households
    sender: Sender
    blocks: BlockBudgets = field(default_factory=BlockBudgets)
    token_ids: bool = False
    confirmation_key: bytes | None = None
    rules: RuleTimeline = field(default_factory=RuleTimeline)
    current_rules: CurrentRules = field(default_factory=CurrentRules)
    shadows: Shadows | None = None
    announced: Callable[[int], Awaitable[bool]] = _not_announced

    def applied(self, marks: Marks, record: Incoming) -> bool:
        """Return whether a record was applied before; count marks of a topic that was recreated."""
        if earlier_topic(marks, record.mark):
            metrics.EARLIER_TOPIC.labels(record.topic).inc()
        return is_applied(marks, record.mark)

    def rules_of(self, household_id: str, at: float) -> RuleSet:
        """Return the rules that can concern a household at the log's time ``at``.

        If the look-up fails, the policy answers commands instead of the model, as after any error
        of the core.
        """
        try:
            return self.rules.of(household_id, tenant_of(household_id), at=at)
        except Exception as error:  # noqa: BLE001 - logged when a command is decided
            return UnknownRules(error)

    async def refuse(self, event: Any, record: Incoming, error: RecordError) -> None:
        """Send a record to the dead letters, and a refusal to its caller."""
        await self.households.stage(event, await self.sender.refusal(record, error))
