"""What a labelled stream says about a command, told to the household as its runtime would tell it.

For evaluations and for a bundle in the shadow. The answers here count as checked, since labels say so: nothing that decides for a
runtime may use this.
"""

from __future__ import annotations

from datetime import UTC, datetime

from detector.contracts.events import Outcome, OutcomeKind, OutcomeSource
from detector.contracts.standing import Standing
from detector.decision.questions import find_question
from detector.household.outcomes import answered, report
from detector.household.state import HouseholdState

__all__ = ["reveal"]

_BY = "labels"


def reveal(state: HouseholdState, event_id: str, *, meant: bool, at: float) -> HouseholdState:
    """Say whether a command was meant, in the way that its verdict leaves.

    What was allowed is executed, and undone where nobody meant it. What is asked about is answered. What was blocked is denied where
    nobody meant it; where somebody did, there is no way to say so.
    """
    pending = next((each for each in state.pending if each.event_id == event_id), None)
    if pending is None:
        return state
    question = find_question(state, pending.confirmation_id)
    if question is not None and question.state == "open":
        return answered(state, question, meant, by=_BY, method=question.methods[0], at=at)
    no = OutcomeKind.UNDONE if pending.standing is Standing.ALLOWED else OutcomeKind.DENIED
    outcome = Outcome(
        event_id=event_id,
        household_id=state.household_id,
        outcome=OutcomeKind.EXECUTED if meant else no,
        source=OutcomeSource.RUNTIME,
        time=datetime.fromtimestamp(at, UTC),
    )
    return report(state, outcome, at=at)[1]
