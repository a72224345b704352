"""Reads and validates the gateway's responses: they must be well-formed and match the request."""

from __future__ import annotations

from dataclasses import replace

from pydantic_core import from_json, to_json

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult, Refusal, Result
from detector.contracts.decisions import Decision, Enforcement, Verdict
from detector.contracts.events import IntentEvent
from detector.contracts.refusals import refused
from streams.errors import RecordError
from streams.hook.connection import Answer
from streams.wire.records import DECISION, RESULT

__all__ = ["UnreadableAnswerError", "detail_of", "read_decision", "read_result"]

#: The status of a result, and the first status of a refusal.
_OK, _REFUSED = 200, 400
#: Characters of a gateway's error text that are repeated.
_LONGEST_DETAIL = 500


class UnreadableAnswerError(Exception):
    """A response has no valid decision on the event. The message has no final full stop."""


def read_decision(event: IntentEvent, answer: Answer) -> Decision:
    """Return the decision on an event.

    Raises:
        UnreadableAnswerError: the response does not contain a valid one.
    """
    if answer.status != _OK:
        raise UnreadableAnswerError(f"The gateway answered with status {answer.status}")
    try:
        decision = DECISION.decode_strictly(answer.content)
    except RecordError:
        raise UnreadableAnswerError("The gateway's answer could not be read") from None
    wanted = (event.event_id, event.household_id, event.intent)
    if (decision.event_id, decision.household_id, decision.intent) != wanted:
        raise UnreadableAnswerError("The gateway answered about another event")
    if not _is_sound(decision):
        raise UnreadableAnswerError("The gateway's answer contradicts itself")
    return decision


def read_result(given: ConfirmationAnswer, answer: Answer) -> ConfirmationResult:
    """Return the result of a confirmation.

    If this answer was accepted by an earlier attempt whose response was lost, return that result.
    """
    unchecked = refused(given, Refusal.UNCHECKED)
    try:
        found = from_json(answer.content or b"", allow_inf_nan=False)
        result = RESULT.decode(to_json(found.get("confirmation", found)))
    except (ValueError, AttributeError):
        return unchecked
    ours = (given.confirmation_id, given.answer_id, given.household_id)
    if (result.confirmation_id, result.answer_id, result.household_id) != ours:
        return unchecked
    became = Result.CONFIRMED if given.accepted else Result.DENIED
    if result.reason is Refusal.ALREADY_ANSWERED and result.answered_by == given.answer_id:
        return replace(result, result=became, reason=None, text="")
    if result.result is not Result.REFUSED and (
        result.result is not became or answer.status != _OK
    ):
        return unchecked
    return result


def detail_of(answer: Answer) -> str | None:
    """Return the detail of a problem (RFC 9457); ``None`` if another server sent the response."""
    if answer.status < _REFUSED or answer.content is None:
        return None
    try:
        return str(from_json(answer.content)["detail"])[:_LONGEST_DETAIL]
    except (ValueError, KeyError, TypeError):
        return None


def _is_sound(decision: Decision) -> bool:
    """Return whether a decision's fields are consistent and its probabilities are in [0, 1]."""
    for share in (decision.misfire_probability, decision.p_value):
        if share is not None and not 0.0 <= share <= 1.0:
            return False
    shadow = decision.enforcement is Enforcement.SHADOW
    effective = Verdict.ALLOW if shadow else decision.verdict
    says_how = decision.verdict is not Verdict.CONFIRM or decision.confirm is not None
    return decision.effective_verdict is effective and says_how
