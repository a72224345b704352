"""Erasure of a household: the state it leaves, and which later records are ignored. No I/O."""

from __future__ import annotations

from detector.contracts.decisions import Decision, Rung, Verdict
from detector.contracts.events import IntentEvent, Outcome
from detector.decision.bundle import Bundle
from detector.decision.fallback_rules import fallback_under_rules
from detector.decision.rule_set import RuleSet
from detector.household.state import HouseholdState
from detector.policy.fallback import with_verdict
from streams.wire.records import logged_before
from streams.wire.refusals import HOUSEHOLD_ERASED
from streams.wire.state.marks import with_mark
from streams.wire.state.packing import Stored
from streams.worker.handling import Incoming

__all__ = ["answer_erased", "erased", "erased_before", "is_erased", "outlived"]

#: Seconds within which an event that a gateway accepts is in the log, unless the broker is down.
_AT_ONCE = 60.0


def erased(stored: Stored, command: Incoming) -> Stored:
    """Return the household's state after an erasure: only the mark that it was erased.

    After a tombstone, an old event that is delivered again would recreate the household; the mark
    prevents that. Records after the command in the log are new, whatever time they claim.
    """
    return Stored(
        state=HouseholdState.new(stored.state.household_id),
        intents=with_mark(stored.intents, command.mark),
        outcomes=stored.outcomes,
        erased=command.timestamp,
    )


def erased_before(stored: Stored, command: Incoming) -> bool:
    """Return whether this very command was the household's last erasure, delivered again.

    Comparing for an earlier time is not enough: if the log's clock was once ahead, a later command
    would be lost.
    """
    return stored.erased is not None and stored.erased == command.timestamp


def is_erased(stored: Stored, record: Incoming) -> bool:
    """Return whether a record after the erasure was accepted before it: delayed, or sent again.

    If the log's clock was ahead at the erasure, only the record's delay indicates that.
    """
    if stored.erased is None:
        return False
    first = logged_before(record.headers)
    if first is None or first > stored.erased:
        return False
    return record.timestamp > stored.erased or record.timestamp - first > _AT_ONCE


def outlived(stored: Stored, outcome: Outcome) -> bool:
    """Return whether an outcome refers to an erased event: the household does not know the event.

    This also drops an outcome that arrives before its event, at the cost of a little learning: if
    it were kept, it might wait for an erased event.
    """
    if stored.erased is None:
        return False
    known = {pending.event_id for pending in stored.state.pending}
    known |= {decision.event_id for decision in stored.state.recent}
    return outcome.event_id not in known


def answer_erased(event: IntentEvent, bundle: Bundle, rules: RuleSet, *, at: float) -> Decision:
    """Return the answer to an event from before the erasure: the policy's fallback, never an allow.

    The event's age comes from a header that any producer can write. The decision is not logged.
    """
    decision = fallback_under_rules(
        event,
        bundle.policy,
        lambda: rules.only(event.intent, event.device_id, at),
        code=HOUSEHOLD_ERASED,
        text="This household was erased after the event; the policy's rule answers.",
        rung=Rung.WORKER,
        bundle=bundle.version,
    )
    if not event.commits or decision.verdict is not Verdict.ALLOW:
        return decision
    return with_verdict(decision, bundle.policy, Verdict.BLOCK, bundle.policy.base_rate)
