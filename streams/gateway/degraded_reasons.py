"""The reasons why an answer is not the worker's: codes and sentences, one for every such answer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from detector.contracts.decisions import Rung

__all__ = ["CAUSES", "LOWER_RUNGS", "REASONS"]

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
CAUSES: Mapping[str, str] = MappingProxyType(
    {code: cause for causes in LOWER_RUNGS.values() for code, cause in causes.items()}
)
REASONS: Mapping[str, str] = MappingProxyType(
    {
        code: f"{cause}; {_ANSWERS[rung]}."
        for rung, causes in LOWER_RUNGS.items()
        for code, cause in causes.items()
    }
)
