"""The decision on one event if the core itself may fail: the policy's fallback stands in."""

from __future__ import annotations

from collections.abc import Callable

from detector.contracts.decisions import Decision, Rung
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.verdict import Judgement
from detector.household.state import HouseholdState
from detector.policy.fallback import fallback_decision

__all__ = ["decide_or_fall_back"]

_TEXT = "The decision could not be made because of an internal error; the policy's rule answers."


def decide_or_fall_back(
    state: HouseholdState,
    event: IntentEvent,
    bundle: Bundle,
    *,
    at: float,
    over_budget: bool = False,
    proofs: bool = True,
    announce: Callable[[Judgement], None] | None = None,
) -> tuple[Decision, HouseholdState, Exception | None]:
    """Decide as ``decide`` does, and return the error of the core as well, or ``None``.

    After an error, the decision is the policy's fallback (``internal_error``) and the household's
    state is unchanged: the caller neither fails open nor stops at the event.
    """
    try:
        decision, after = decide(
            state,
            event,
            bundle,
            at=at,
            over_budget=over_budget,
            proofs=proofs,
            announce=announce,
        )
    except Exception as error:  # noqa: BLE001 - the caller logs it
        decision = fallback_decision(
            event,
            bundle.policy,
            code="internal_error",
            text=_TEXT,
            rung=Rung.WORKER,
            bundle=bundle.version,
        )
        return decision, state, error
    return decision, after, None
