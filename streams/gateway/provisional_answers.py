"""What the gateway remembers of an answer of a lower rung, and its comparison with the worker's."""

from __future__ import annotations

from typing import NamedTuple

from detector.contracts.decisions import Decision, Rung, Verdict
from streams.wire.late_answer import LateAnswer

__all__ = ["Provisional", "late_answer", "provisional"]


class Provisional(NamedTuple):
    """An answer of a lower rung, with the time of the clock and the recipient of a late answer.

    This is a tuple because tens of thousands are stored.
    """

    answered: Verdict
    rung: Rung
    reason: str
    at: float
    callback: str | None
    tenant: str = ""


def provisional(
    decision: Decision, at: float, callback: str | None, tenant: str = ""
) -> Provisional:
    """Return what the gateway must remember of an answer until the worker's decision arrives."""
    reason = decision.reasons[0].code if decision.reasons else ""
    return Provisional(decision.effective_verdict, decision.rung, reason, at, callback, tenant)


def late_answer(given: Provisional, decided: Decision, now: float) -> LateAnswer | None:
    """Return the incident, or ``None`` if both decisions have the same effect."""
    if given.answered is decided.effective_verdict:
        return None
    return LateAnswer(
        event_id=decided.event_id,
        household_id=decided.household_id,
        session_id=decided.session_id,
        intent=decided.intent,
        risk_class=decided.risk_class,
        answered=given.answered,
        rung=given.rung,
        reason=given.reason,
        decided=decided.effective_verdict,
        decision_id=decided.decision_id,
        late_ms=round(1000 * (now - given.at)),
    )
