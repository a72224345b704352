"""The records that the gateway writes to the log: intents, outcomes of its answers, incidents."""

from __future__ import annotations

from datetime import UTC, datetime

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent
from detector.policy.fallback import outcome_of_fallback
from streams.gateway.exchange.exchange import Exchange
from streams.gateway.exchange.replies import PendingRequest
from streams.kafka.topics import INCIDENTS, INTENTS, OUTCOMES
from streams.wire.late_answer import LATE, LateAnswer
from streams.wire.records import INTENT, OUTCOME

__all__ = ["publish_incident", "publish_intent", "publish_outcome"]

_SOURCE = "misfire/gateway"


def publish_intent(event: IntentEvent, exchange: Exchange, trace: bytes | None) -> PendingRequest:
    """Send an event to its worker and return the pending reply."""
    headers = INTENT.headers(event.event_id, event.time, source=_SOURCE, trace=trace)
    return exchange.request(INTENTS, event.household_id, INTENT.encode(event), headers)


def publish_outcome(event: IntentEvent, exchange: Exchange, decision: Decision) -> None:
    """Report the outcome of the gateway's own decision on a committing event to the worker."""
    outcome = outcome_of_fallback(event, decision)
    headers = OUTCOME.headers(event.event_id, datetime.now(UTC), source=_SOURCE)
    exchange.send(OUTCOMES, event.household_id, OUTCOME.encode(outcome), headers)


def publish_incident(late: LateAnswer, exchange: Exchange) -> None:
    """Record a late answer that disagrees with the answer that was given."""
    headers = LATE.headers(late.decision_id, datetime.now(UTC), source=_SOURCE)
    exchange.send(INCIDENTS, late.household_id, LATE.encode(late), headers)
