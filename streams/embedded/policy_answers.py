"""What an embedded hook answers by the policy alone, after the rules that it last read."""

from __future__ import annotations

from collections.abc import Callable

from detector.contracts.decisions import Decision
from detector.contracts.events import IntentEvent
from detector.decision.fallback_rules import fallback_under_rules
from detector.decision.rule_set import NO_RULES, RuleBook, RuleSet
from detector.policy.policy import Policy
from streams.hook.calls import warn
from streams.wire.tenancy import UNKNOWN

__all__ = ["policy_answer"]


def policy_answer(
    event: IntentEvent,
    policy: Policy,
    rules: RuleBook,
    *,
    code: str,
    text: str,
    stored: Callable[[IntentEvent], IntentEvent],
    now: Callable[[], float],
) -> Decision:
    """Return the policy's fallback, which rules can make stricter, and log a warning.

    Args:
        event: the event.
        policy: the policy.
        rules: the rules that were last read from the household file.
        code: reason code for the missing decision.
        text: the same reason as a sentence without a full stop.
        stored: returns an event as the file has it, with tokens, which rules name.
        now: the clock for arrivals, in seconds since the epoch.
    """
    warn("%s; the policy's rule answers", text)

    def matching() -> RuleSet:
        if not rules.rules:
            return NO_RULES
        known = stored(event)
        ours = rules.of(known.household_id, UNKNOWN)
        return ours.only(known.intent, known.device_id, now())

    return fallback_under_rules(
        event,
        policy,
        matching,
        code=code,
        text=f"{text}; the policy's rule answers.",
        failed=lambda error: warn(
            "the rules raised %s, and the policy answers without them", type(error).__name__
        ),
    )
