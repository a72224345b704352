"""Checks whether a guarded command may run."""

from __future__ import annotations

from detector.contracts.confirmations import ConfirmationResult, Result
from detector.contracts.decisions import Decision, Verdict

__all__ = ["CommandNotAllowed", "check", "is_question"]


class CommandNotAllowed(Exception):
    """A guarded command was neither allowed nor confirmed; the message gives the first reason."""

    def __init__(self, decision: Decision, result: ConfirmationResult | None) -> None:
        reasons = [reason.text for reason in decision.reasons]
        reason = result.text if result and result.text else next(iter(reasons), "")
        super().__init__(f"{decision.intent}: {decision.verdict}. {reason}")
        self.decision = decision
        self.result = result


def is_question(decision: Decision) -> bool:
    """Return whether the decision asks for confirmation."""
    return decision.effective_verdict is Verdict.CONFIRM


def check(decision: Decision, result: ConfirmationResult | None) -> None:
    """Return if a command is allowed or was confirmed.

    Raises:
        CommandNotAllowed: it is neither.
    """
    confirmed = is_question(decision) and _is_answer_to(decision, result)
    if decision.effective_verdict is not Verdict.ALLOW and not confirmed:
        raise CommandNotAllowed(
            decision, result if isinstance(result, ConfirmationResult) else None
        )


def _is_answer_to(decision: Decision, result: ConfirmationResult | None) -> bool:
    """Return whether a result confirms this question. A host's ``ask`` may return any object."""
    return (
        isinstance(result, ConfirmationResult)
        and result.result is Result.CONFIRMED
        and decision.confirm is not None
        and result.confirmation_id == decision.confirm.confirmation_id
        and result.household_id == decision.household_id
    )
