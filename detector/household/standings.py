"""The standing of a household's commands: what it is, and how it changes."""

from __future__ import annotations

from collections.abc import Callable

from detector.contracts.decisions import Decision, Verdict, is_lifted
from detector.contracts.standing import MEANT, Standing
from detector.household.command_counts import with_acceptance
from detector.household.fast_replace import changed
from detector.household.learning import learn_late
from detector.household.relearning import relearned
from detector.household.state import HouseholdState, Pending, is_open

__all__ = ["set_standing", "standing_after", "standing_of"]


def standing_after(decision: Decision) -> Standing:
    """Return a command's standing right after the worker's decision on it.

    A command that runs only because of shadow mode or a rule is not ``ALLOWED``, since
    it was not confirmed.
    """
    if decision.verdict is Verdict.ALLOW and not is_lifted(decision):
        return Standing.ALLOWED
    if decision.effective_verdict is Verdict.ALLOW:
        return Standing.LET_RUN
    return Standing.ASKED if decision.verdict is Verdict.CONFIRM else Standing.BLOCKED


def standing_of(state: HouseholdState, event_id: str, *, at: float) -> Standing:
    """Return a command's standing at the log's time ``at``."""
    for pending in state.pending:
        if pending.event_id == event_id:
            return _current_standing(state, pending, at)
    for decision in state.recent:
        if decision.event_id == event_id:
            judged = decision.misfire_probability is not None or decision.abstained
            return Standing.LEARNED if judged else Standing.NO_COMMAND
    return Standing.UNKNOWN


def set_standing(
    state: HouseholdState, which: Callable[[Pending], bool], standing: Standing, at: float
) -> HouseholdState:
    """Set the standing of commands, and learn at once from those whose session is closed."""
    moved = [changed(each, standing=standing) for each in state.pending if which(each)]
    pending = tuple(
        changed(each, standing=standing) if which(each) else each for each in state.pending
    )
    accepted = standing in MEANT

    def accept(bare: HouseholdState) -> HouseholdState:
        commands = bare.commands
        for each in moved:
            commands = with_acceptance(commands, each.intent, each.seconds, accepted=accepted)
        return changed(bare, commands=commands)

    state = relearned(changed(state, pending=pending), accept)
    return learn_late(state, moved, at=at) if accepted else state


def _current_standing(state: HouseholdState, pending: Pending, at: float) -> Standing:
    """Return the command's standing; ``ASKED`` becomes ``EXPIRED`` with its question."""
    if pending.standing is not Standing.ASKED:
        return pending.standing
    open_ones = (
        each
        for each in state.questions
        if each.confirmation_id == pending.confirmation_id and is_open(each, at)
    )
    return Standing.ASKED if any(open_ones) else Standing.EXPIRED
