"""Pending commands of version 0.1.0: an unchecked outcome neither allows nor teaches."""

from __future__ import annotations

from typing import Any

import pytest

from detector.contracts.standing import MEANT, Standing
from streams.wire.state.older_states import with_standings


def read(pending: dict[str, Any], question: dict[str, Any] | None = None) -> tuple[Any, Any]:
    state: dict[str, Any] = {"pending": [{"event_id": "e1"} | pending]}
    if question is not None:
        state["questions"] = [{"event_id": "e1", "confirmation_id": "c1"} | question]
    found = with_standings(state)
    return found["pending"][0], found.get("questions", [None])[0]


@pytest.mark.parametrize(
    ("pending", "standing"),
    [
        ({"allowed": True}, Standing.ALLOWED),
        ({"allowed": False}, Standing.BLOCKED),
        ({"allowed": True, "answered": True}, Standing.NOT_RUN),
        ({"allowed": False, "answered": True}, Standing.DENIED),
    ],
)
def test_an_older_command_without_a_question_is_read(
    pending: dict[str, Any], standing: Standing
) -> None:
    assert read(pending)[0] == {"event_id": "e1", "standing": standing}


@pytest.mark.parametrize(
    ("question", "standing"),
    [
        ({}, Standing.ASKED),
        ({"state": "confirmed", "answered_by": "a1"}, Standing.CONFIRMED),
        ({"state": "denied", "answered_by": "a1"}, Standing.DENIED),
        ({"state": "denied"}, Standing.DENIED),
        ({"state": "superseded"}, Standing.EXPIRED),
        ({"state": "over"}, Standing.EXPIRED),
    ],
)
def test_an_older_command_with_its_question_is_read(
    question: dict[str, Any], standing: Standing
) -> None:
    pending, _ = read({"allowed": True, "answered": True}, question)
    assert pending == {"event_id": "e1", "standing": standing, "confirmation_id": "c1"}


def test_an_outcome_that_confirmed_does_not_count_as_a_confirmation() -> None:
    pending, question = read({"allowed": True, "answered": True}, {"state": "confirmed"})
    assert pending["standing"] not in MEANT
    assert question["state"] == "over"
