"""Decisions of a shadow bundle, which sees the same households as the active one but has no effect.

The shadow shares what a household has learned, and tracks conversations on its own.
"""

from __future__ import annotations

from dataclasses import replace

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent
from detector.contracts.standing import Standing
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.labelled_outcomes import reveal
from detector.household.state import LEARNED, HouseholdState

__all__ = ["decide_in_shadow", "settle_in_shadow"]

#: Whether the standing of a command under the active bundle shows that it was meant.
_MEANT = {
    Standing.CONFIRMED: True,
    Standing.EXECUTED: True,
    Standing.DENIED: False,
    Standing.UNDONE: False,
}

#: Fields that do not depend on the bundle. Posteriors, chains and questions do.
_SHARED = ("events", *LEARNED)


def decide_in_shadow(
    own: HouseholdState, active: HouseholdState, event: IntentEvent, bundle: Bundle, *, at: float
) -> tuple[Decision, HouseholdState]:
    """Decide as ``bundle`` would if it were the active one.

    The household learns only what the active bundle allows: if the shadow alone would have stopped
    a misfire, both learn from that misfire.

    Args:
        own: the state after the shadow's last decision on this household; initially a new one.
        active: the household's state before the event, under the active bundle.
        event: the event to decide on.
        bundle: the shadow bundle.
        at: log time of the event, in seconds.

    Returns:
        The decision, and the state for the shadow's next one.
    """
    return decide(
        replace(own, **{name: getattr(active, name) for name in _SHARED}), event, bundle, at=at
    )


def settle_in_shadow(
    own: HouseholdState, active: HouseholdState, event_id: str, *, at: float
) -> HouseholdState:
    """Apply the outcome of a command, on the premise that the user answers both bundles alike.

    Args:
        own: the shadow's state.
        active: the household's state after the outcome or the answer, under the active bundle.
        event_id: the event of the command.
        at: log time of the outcome, in seconds.
    """
    meant = next(
        (
            _MEANT.get(pending.standing)
            for pending in active.pending
            if pending.event_id == event_id
        ),
        None,
    )
    return own if meant is None else reveal(own, event_id, meant=meant, at=at)
