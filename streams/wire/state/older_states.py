"""Households as earlier versions wrote them, on their way into today's fields."""

from __future__ import annotations

from typing import Any

from detector.contracts.standing import Standing

__all__ = ["with_standings"]

Plain = dict[str, Any]


def with_standings(state: Plain) -> Plain:
    """Read commands that say whether they were ``allowed`` and ``answered``, as version 0.1.0 wrote them, and their questions.

    There an outcome that nobody had checked could confirm. What cannot be told apart from that neither allows nor teaches.
    """
    asked = {question["event_id"]: question for question in state.get("questions", ())}
    for question in asked.values():
        if question.get("state") == "confirmed" and "answered_by" not in question:
            question["state"] = "over"
    for pending in state.get("pending", ()):
        if "standing" not in pending:
            allowed, answered = pending.pop("allowed"), pending.pop("answered", False)
            question = asked.get(pending["event_id"])
            if question is not None:
                pending["confirmation_id"] = question["confirmation_id"]
                pending["standing"] = _of_asked(question)
            else:
                pending["standing"] = _of_others(allowed=allowed, answered=answered)
    return state


def _of_asked(question: Plain) -> Standing:
    if question.get("state", "open") == "open":
        return Standing.ASKED
    checked = {"confirmed": Standing.CONFIRMED, "denied": Standing.DENIED}
    return checked.get(question["state"], Standing.EXPIRED)


def _of_others(*, allowed: bool, answered: bool) -> Standing:
    if answered:
        return Standing.NOT_RUN if allowed else Standing.DENIED
    return Standing.ALLOWED if allowed else Standing.BLOCKED
