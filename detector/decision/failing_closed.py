"""The decision on one event if the core itself may fail: the policy's fallback stands in."""

from __future__ import annotations

from collections.abc import Callable

from detector.contracts.decisions import Decision, Rung
from detector.contracts.events import IntentEvent
from detector.decision.bundle import Bundle
from detector.decision.decide import decide
from detector.decision.fallback_rules import fallback_under_rules
from detector.decision.rule_set import NO_RULES, RuleSet
from detector.decision.verdict import Judgement
from detector.household.state import HouseholdState

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
    rules: RuleSet = NO_RULES,
    announce: Callable[[Judgement], None] | None = None,
) -> tuple[Decision, HouseholdState, Exception | None]:
    """Decide as ``decide`` does, and return the error of the core as well, or ``None``.

    After an error, the decision is the policy's fallback (``internal_error``) and the household's
    state is unchanged: the caller neither fails open nor stops at the event. Rules can then only
    make the fallback stricter (``fallback_rules.py``). If they are what failed, the fallback is the
    policy's alone, and says so.
    """
    try:
        decision, after = decide(
            state,
            event,
            bundle,
            at=at,
            over_budget=over_budget,
            proofs=proofs,
            rules=rules,
            announce=announce,
        )
    except Exception as error:  # noqa: BLE001 - the caller logs it
        return _fallback(event, bundle, rules, at), state, error
    return decision, after, None


def _fallback(event: IntentEvent, bundle: Bundle, rules: RuleSet, at: float) -> Decision:
    return fallback_under_rules(
        event,
        bundle.policy,
        lambda: rules.only(event.intent, event.device_id, at),
        code="internal_error",
        text=_TEXT,
        rung=Rung.WORKER,
        bundle=bundle.version,
    )
