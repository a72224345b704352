"""The incident record of a worker's verdict that arrived after a different answer was given."""

from __future__ import annotations

from dataclasses import dataclass

from detector.contracts.decisions import RiskClass, Rung, Verdict
from streams.wire.records import Kind

__all__ = ["LATE", "LateAnswer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LateAnswer:
    """The verdict that was answered in time, and the worker's later one.

    ``late_ms`` is the time from the answer to the worker's verdict in milliseconds.
    """

    event_id: str
    household_id: str
    session_id: str
    intent: str
    risk_class: RiskClass
    answered: Verdict
    rung: Rung
    reason: str
    decided: Verdict
    decision_id: str
    late_ms: int


LATE: Kind[LateAnswer] = Kind("assistant.late-answer.v1", LateAnswer)
