"""The reasons why an answer is not the worker's: codes and sentences, one for every such answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from detector.contracts.decisions import Decision, Reason, Rung
from detector.contracts.events import IntentEvent

__all__ = ["LOWER_RUNGS", "REASONS", "reason_code", "with_reason"]

_ANSWERS: Mapping[Rung, str] = MappingProxyType(
    {
        Rung.GATEWAY: (
            "the gateway answers with the population's model, without this household's history"
        ),
        Rung.POLICY: "the policy's rule answers",
    }
)

#: Every cause of an answer that is not the worker's: by rung, the reason code and the cause.
LOWER_RUNGS: Mapping[Rung, Mapping[str, str]] = MappingProxyType(
    {
        Rung.GATEWAY: {
            "worker_timeout": "Kafka has the event and no worker answered in time",
            "broker_timeout": "Kafka did not accept the event in time",
            "broker_unreachable": "Kafka cannot be reached",
            "deadline_too_short": "The deadline leaves no time to ask a worker",
        },
        Rung.POLICY: {
            "no_bundle": "The gateway has no bundle, and no worker answered in time",
            "bundle_damaged": "The gateway's bundle is damaged, and no worker answered in time",
            "overloaded": "The gateway is overloaded and serves the stricter risk classes first",
            "worker_refused": "The worker could not read the event",
            "internal_error": "The decision could not be made because of an internal error",
        },
    }
)
_CAUSES: Mapping[str, str] = MappingProxyType(
    {code: cause for causes in LOWER_RUNGS.values() for code, cause in causes.items()}
)
REASONS: Mapping[str, str] = MappingProxyType(
    {
        code: f"{cause}; {_ANSWERS[rung]}."
        for rung, causes in LOWER_RUNGS.items()
        for code, cause in causes.items()
    }
)


def reason_code(*, connected: bool, wait: float, stored: bool) -> str:
    """Return the code of the reason why there is no worker decision.

    Args:
        connected: whether the broker can be reached.
        wait: seconds that the request may wait for a worker.
        stored: whether the broker has acknowledged the event.
    """
    if not connected:
        return "broker_unreachable"
    if wait <= 0:
        return "deadline_too_short"
    return "worker_timeout" if stored else "broker_timeout"


def with_reason(decision: Decision, event: IntentEvent, code: str) -> Decision:
    """Add the reason why the answer is not the worker's.

    It is the first reason of the gateway's decision. In the policy's decision the first reason is
    why the gateway did not decide.
    """
    by_gateway = decision.rung is Rung.GATEWAY
    text = REASONS[code] if by_gateway else f"{_CAUSES[code]}."
    reason = Reason(code=code, event_id=event.event_id, bits=0.0, text=text)
    reasons = (reason, *decision.reasons) if by_gateway else (*decision.reasons, reason)
    return replace(decision, reasons=reasons)
