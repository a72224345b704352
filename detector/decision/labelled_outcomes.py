"""Outcomes derived from the labels of a stream, reported as a runtime would report them.

For evaluations and for shadow bundles only. The answers count as verified because the labels say
so; code that decides for a runtime must not use them.
"""

from __future__ import annotations

from datetime import UTC, datetime

from detector.contracts.events import Outcome, OutcomeKind, OutcomeSource
from detector.contracts.standing import Standing
from detector.decision.answers import find_question
from detector.household.outcomes import answered, report
from detector.household.state import HouseholdState

__all__ = ["reveal"]

_BY = "labels"


def reveal(state: HouseholdState, event_id: str, *, meant: bool, at: float) -> HouseholdState:
    """Report whether a command was meant, by the means that its verdict allows.

    An allowed command is reported as executed if it was meant, and as undone if not. An open
    question is answered. A blocked command is reported as denied if it was not meant; for a meant
    one there is nothing to report.
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
