"""Overload: how many questions may wait at a time, and who gives way first. Nobody is ever made to wait for a place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from detector.contracts.decisions import RiskClass
from detector.contracts.events import IntentEvent
from detector.policy.policy import Policy

__all__ = ["SHARES", "share_of"]

#: The share of the places up to which each risk class still gets one. What can do the least harm by its fallback gives way
#: first; the last twentieth is for locks and ovens alone. Of a tenant's share (``shares.py``) each class gets the same part.
SHARES: Mapping[RiskClass, float] = MappingProxyType(
    {
        RiskClass.READ_ONLY: 0.5,
        RiskClass.REVERSIBLE: 0.7,
        RiskClass.PRIVATE_OUTBOUND: 0.85,
        RiskClass.PURCHASE: 0.95,
        RiskClass.PHYSICAL: 1.0,
    }
)


def share_of(event: IntentEvent, policy: Policy) -> float:
    """Return the share of the places up to which one more question may wait.

    Args:
        event: what is asked about; one that commits nothing is allowed either way, and gives way with the mildest class.
        policy: says its risk class.
    """
    return SHARES[policy.risk_class(event.intent) if event.commits else RiskClass.READ_ONLY]
