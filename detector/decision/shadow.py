"""Decisions of a shadow bundle, which sees the same households as the active one but has no effect.

A shadow decides on the state that the active bundle left, carried over to the shadow's terms. It
keeps no state of its own, so that nothing is lost in a restart, and its decision is the one that
the bundle would make if it became the active one at this event.
"""

from __future__ import annotations

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.carrying import carry
from detector.decision.decide import decide
from detector.decision.rule_set import NO_RULES, RuleSet
from detector.household.sessions import observe
from detector.household.state import HouseholdState

__all__ = ["chain_in_shadow", "decide_in_shadow"]


def decide_in_shadow(
    before: HouseholdState,
    active: Bundle | None,
    event: IntentEvent,
    shadow: Bundle,
    *,
    at: float,
    rules: RuleSet = NO_RULES,
) -> Decision:
    """Return what a bundle would decide if it became the active one at this event.

    Args:
        before: the household's state before the event, under the active bundle.
        active: the active bundle; ``None`` if it cannot be read (``carry``).
        event: the event to decide on.
        shadow: the shadow bundle.
        at: log time of the event, in seconds.
        rules: the rules that changed the active bundle's verdict, if they matched.
    """
    return decide(carry(before, active, shadow), event, shadow, at=at, rules=rules)[0]


def chain_in_shadow(
    before: HouseholdState, active: Bundle | None, event: IntentEvent, shadow: Bundle, *, at: float
) -> tuple[float, ...]:
    """Return the surprisal of each turn of the event's chain under a shadow bundle, in bits.

    The last one is that of the event, and higher is rarer. The arguments are those of
    ``decide_in_shadow``.
    """
    carried = carry(before, active, shadow)
    chain = observe(carried, event, shadow.model, shadow.policy, at=at)[0].chain
    return () if chain is None else chain.bits
