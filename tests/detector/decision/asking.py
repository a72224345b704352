"""A question about Portland's message, and an answer to it."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult
from detector.contracts.decisions import Decision, Verdict
from detector.decision.answers import answer
from detector.household.state import HouseholdState
from tests.detector.builders import (
    CONFIRMATION_KEY,
    DOUBTFUL,
    hand_bundle,
    heard,
    run,
    send_message,
)

__all__ = ["BUNDLE", "STATE", "asked", "taken"]

BUNDLE = hand_bundle()
STATE: TypeAdapter[HouseholdState] = TypeAdapter(HouseholdState)


def asked(**fields: Any) -> tuple[Decision, HouseholdState]:
    """Return the decision that asks, and the household after it was stored."""
    decisions, state = run(heard(send_message(**fields), DOUBTFUL), BUNDLE)
    assert decisions[-1].verdict is Verdict.CONFIRM
    return decisions[-1], STATE.validate_json(STATE.dump_json(state))


def taken(
    state: HouseholdState, said: ConfirmationAnswer, key: bytes | None = CONFIRMATION_KEY
) -> tuple[ConfirmationResult, HouseholdState]:
    """Apply an answer at its own time."""
    return answer(state, said, BUNDLE, at=said.time.timestamp(), key=key)
