"""Erasing a household: what becomes of its state, and what is not taken in afterwards. Pure; the log is elsewhere."""

from __future__ import annotations

from detector.contracts.decisions import Decision, Rung, Verdict
from detector.contracts.events import IntentEvent, Outcome
from detector.decision.bundle import Bundle
from detector.household.state import HouseholdState
from detector.policy.fallback import fallback_decision, with_verdict
from streams.wire.records import logged_before
from streams.wire.refusals import HOUSEHOLD_ERASED
from streams.wire.state.marks import with_mark
from streams.wire.state.packing import Stored
from streams.worker.handling import Incoming

__all__ = ["answer_erased", "erased", "erased_before", "is_erased", "outlived"]

#: Within so many seconds the log has what a gateway accepts, unless the broker is away.
_AT_ONCE = 60.0


def erased(stored: Stored, command: Incoming) -> Stored:
    """Return a household without anything but the mark that it was erased.

    The mark stands where a tombstone would: a tombstone would let an old event that is delivered again begin the household anew. What
    comes after the command in the log is new, whatever time it claims.
    """
    return Stored(
        state=HouseholdState.new(stored.state.household_id),
        intents=with_mark(stored.intents, command.mark),
        outcomes=stored.outcomes,
        erased=command.timestamp,
    )


def erased_before(stored: Stored, command: Incoming) -> bool:
    """Say whether the very command erased the household last: it is delivered again, and what came since is not touched.

    An earlier time alone says nothing: the log's may have been ahead for once, and no later command may be lost by that.
    """
    return stored.erased is not None and stored.erased == command.timestamp


def is_erased(stored: Stored, record: Incoming) -> bool:
    """Say whether a record that is after the erasure in the log was with misfire before: it waited in a gateway, or is sent again.

    Where the log's time ran ahead at the erasure and does not any more, only how long the record waited says something.
    """
    first = logged_before(record.headers)
    if stored.erased is None or first is None or first > stored.erased:
        return False
    return record.timestamp > stored.erased or record.timestamp - first > _AT_ONCE


def outlived(stored: Stored, outcome: Outcome) -> bool:
    """Say whether an outcome is about what was erased: its event is not known any more.

    An outcome of an erased household that comes before its event is lost, which teaches a little less; kept until its event comes, it
    might wait for one that was erased.
    """
    if stored.erased is None:
        return False
    known = {pending.event_id for pending in stored.state.pending}
    known |= {decision.event_id for decision in stored.state.recent}
    return outcome.event_id not in known


def answer_erased(event: IntentEvent, bundle: Bundle) -> Decision:
    """Return the answer to an event from before the erasure, which the log does not get: the policy's rule, and no command is allowed.

    That the event is so old is said by a header alone, which whoever produces can write.
    """
    decision = fallback_decision(
        event,
        bundle.policy,
        code=HOUSEHOLD_ERASED,
        text="This household was erased after the event; the policy's rule answers.",
        rung=Rung.WORKER,
        bundle=bundle.version,
    )
    if not event.commits or decision.verdict is not Verdict.ALLOW:
        return decision
    return with_verdict(decision, bundle.policy, Verdict.BLOCK, bundle.policy.base_rate)
