"""Whether a guarded command may run."""

from __future__ import annotations

from detector.answers import ConfirmationResult, Result
from detector.decisions import Decision, Verdict

__all__ = ["NotMeant", "check", "is_question"]


class NotMeant(Exception):
    """A guarded command did not run: nobody meant it, or nobody confirmed it. Its text is the first reason of the decision."""

    def __init__(self, decision: Decision, result: ConfirmationResult | None) -> None:
        reason = result.text if result and result.text else decision.reasons[0].text
        super().__init__(f"{decision.intent}: {decision.verdict}. {reason}")
        self.decision = decision
        self.result = result


def is_question(decision: Decision) -> bool:
    """Return whether somebody is to be asked."""
    return decision.effective_verdict is Verdict.CONFIRM


def check(decision: Decision, result: ConfirmationResult | None) -> None:
    """Let a command pass that is allowed or was confirmed.

    Raises:
        NotMeant: it is neither.
    """
    confirmed = result is not None and result.result is Result.CONFIRMED
    if decision.effective_verdict is not Verdict.ALLOW and not (is_question(decision) and confirmed):
        raise NotMeant(decision, result)
