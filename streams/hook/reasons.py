"""Why an answer is not the worker's: each reason's code and its sentence. No answer below the first rung is without one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from detector.decisions import Rung

__all__ = ["LOWER_RUNGS", "REASONS"]

_GATEWAY = "the gateway answers with the population's model, without this household's history."
_POLICY = "the policy's rule answers."

#: Every way to an answer that is not the worker's: by the rung that then answers, the reason's code and its sentence.
LOWER_RUNGS: Mapping[Rung, Mapping[str, str]] = MappingProxyType(
    {
        Rung.GATEWAY: {
            "worker_timeout": f"Kafka has the event and no worker answered in time; {_GATEWAY}",
            "broker_timeout": f"Kafka did not take the event in time; {_GATEWAY}",
            "broker_unreachable": f"Kafka cannot be reached; {_GATEWAY}",
            "deadline_too_short": f"The deadline leaves no time to ask a worker; {_GATEWAY}",
        },
        Rung.POLICY: {
            "no_bundle": f"The gateway has no bundle, and no worker answered in time; {_POLICY}",
            "bundle_damaged": f"The gateway's bundle is damaged, and no worker answered in time; {_POLICY}",
            "overloaded": f"The gateway is overloaded, and milder risk classes give way first; {_POLICY}",
            "clock_skewed": f"The event's time lies in the future, so nothing about its order is certain; {_POLICY}",
            "worker_refused": f"The worker could not read the event; {_POLICY}",
            "internal_error": f"The decision could not be made because of an internal error; {_POLICY}",
        },
    }
)
REASONS: Mapping[str, str] = MappingProxyType(
    {code: text for reasons in LOWER_RUNGS.values() for code, text in reasons.items()}
)
