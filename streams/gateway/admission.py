"""Load shedding: how many requests may wait for a worker, and which risk classes are shed first.

A request never waits for admission: it is admitted or shed at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from detector.contracts.decisions import RiskClass
from detector.contracts.events import IntentEvent
from detector.policy.policy import Policy

__all__ = ["SHARES", "share_of"]

#: Up to which share of the capacity each risk class is admitted. The classes whose fallback does
#: the least harm are shed first; the last 5 % are reserved for physical commands. The same shares
#: apply within a tenant's share (``shares.py``).
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
    """Return up to which share of the capacity this event is admitted.

    Args:
        event: the event; one that does not commit is allowed in any case, so it is shed first.
        policy: maps the intent to a risk class.
    """
    return SHARES[policy.risk_class(event.intent) if event.commits else RiskClass.READ_ONLY]
