"""A second bundle in the shadow of the one that decides: the household's same past, conversations as it sees them itself, and no effect."""

from __future__ import annotations

from dataclasses import replace

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent
from detector.contracts.standing import Standing
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.labelled_outcomes import reveal
from detector.household.state import HouseholdState

__all__ = ["decide_in_shadow", "settle_in_shadow"]

#: What the active bundle's household knows of a command, as whether somebody meant it.
_MEANT = {
    Standing.CONFIRMED: True,
    Standing.EXECUTED: True,
    Standing.DENIED: False,
    Standing.UNDONE: False,
}

#: What a household has learned does not depend on a bundle. Where its conversations stand does: a filter's posterior, a chain, a question.
_LEARNED = (
    "events",
    "learned",
    "taught_on",
    "taught",
    "intents",
    "domains",
    "tokens",
    "hours",
    "novelty",
)


def decide_in_shadow(
    own: HouseholdState, active: HouseholdState, event: IntentEvent, bundle: Bundle, *, at: float
) -> tuple[Decision, HouseholdState]:
    """Decide as ``bundle`` would have, had it been the one that decides in this conversation.

    What the household learns is what the active bundle lets it learn: a misfire that only the shadow would have stopped teaches both.

    Args:
        own: the state that the shadow's last decision on this household left; a new one at first.
        active: the household's state before the event, as the active bundle has it.
        event: the event.
        bundle: the shadow bundle.
        at: the log's time of the event.

    Returns:
        the decision, and the state for the shadow's next one.
    """
    return decide(
        replace(own, **{name: getattr(active, name) for name in _LEARNED}), event, bundle, at=at
    )


def settle_in_shadow(
    own: HouseholdState, active: HouseholdState, event_id: str, *, at: float
) -> HouseholdState:
    """Take over what became of a command: who meant it would have said yes to the shadow's question as well.

    Args:
        own: the shadow's state.
        active: the household's state after the outcome or the answer, as the active bundle has it.
        event_id: the command's.
        at: the log's time of the outcome.
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
