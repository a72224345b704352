"""What entities, automations and diagnostics may see of a decision: nothing that was spoken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streams.runtimes import Ruling

__all__ = ["Record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A decision without slots, or the answer to its question.

    ``result`` is empty for a decision, and ``confirmed``, ``denied`` or ``expired`` for an answer.
    """

    time: datetime
    event_id: str
    intent: str
    verdict: str
    action: str
    risk_class: str
    rung: str
    misfire_probability: float | None
    reasons: tuple[str, ...]
    result: str = ""

    @classmethod
    def of(cls, ruling: Ruling, time: datetime, result: str) -> Record:
        """Return the record of a ruling."""
        decision = ruling.decision
        return cls(
            time=time,
            event_id=ruling.event.event_id,
            intent=decision.intent,
            verdict=decision.effective_verdict.value,
            action=ruling.action.value,
            risk_class=decision.risk_class.value,
            rung=decision.rung.value,
            misfire_probability=decision.misfire_probability,
            reasons=tuple(reason.code for reason in decision.reasons),
            result=result,
        )

    def as_attributes(self) -> dict[str, Any]:
        """Return the attributes of an event entity."""
        return {
            "event_id": self.event_id,
            "intent": self.intent,
            "risk_class": self.risk_class,
            "rung": self.rung,
            "misfire_probability": self.misfire_probability,
            "reasons": list(self.reasons),
        }
