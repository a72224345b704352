"""The record of a worker's verdict that came after the hook had answered otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from detector.contracts.decisions import RiskClass, Rung, Verdict
from streams.wire.records import Kind

__all__ = ["LATE", "LateAnswer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LateAnswer:
    """What was answered in time, and what the worker decided later. ``late_ms`` is how long after the answer it came."""

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
