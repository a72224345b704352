"""The sentences that explain why an answer was refused.

The client library refuses answers too, so this module must not import the model.
"""

from __future__ import annotations

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult, Refusal, Result

__all__ = ["refused"]

_SENTENCES = {
    Refusal.UNKNOWN: "This household has no such open question; request the decision again.",
    Refusal.OTHER_HOUSEHOLD: "The question belongs to another household.",
    Refusal.OTHER_SESSION: "The question belongs to another session.",
    Refusal.OTHER_INTENT: "The question is about another command.",
    Refusal.CHANGED_SLOTS: (
        "The command's slots differ from those in the question; request a decision on the new ones."
    ),
    Refusal.EXPIRED: "The question had expired before the answer; request the decision again.",
    Refusal.ALREADY_ANSWERED: "The question has already been answered; only one answer is valid.",
    Refusal.SUPERSEDED: "A newer question about the same command replaced this one.",
    Refusal.TOO_MANY_ATTEMPTS: "Too many answers were wrong; request the decision again.",
    Refusal.METHOD_NOT_OFFERED: (
        "This method is not offered for this command, or the worker has no key to check proofs."
    ),
    Refusal.PROOF_MISSING: "A confirmation by PIN or push needs a proof that it was checked.",
    Refusal.PROOF_WRONG: "The proof does not match this question, this method and the known key.",
    Refusal.WRONG_WORDS: "The words that were heard differ from the challenge words.",
    Refusal.NOTHING_HEARD: (
        "A spoken yes needs the turn that was heard: an affirmation in the same session."
    ),
    Refusal.UNLIKELY_ANSWER: "The spoken yes is itself unlikely to be meant.",
    Refusal.UNCHECKED: (
        "The answer could not be checked in time; send it again before the question expires."
    ),
}


def refused(given: ConfirmationAnswer, refusal: Refusal) -> ConfirmationResult:
    """Return the result of an answer that has no effect."""
    return ConfirmationResult(
        confirmation_id=given.confirmation_id,
        answer_id=given.answer_id,
        household_id=given.household_id,
        result=Result.REFUSED,
        reason=refusal,
        text=_SENTENCES[refusal],
    )
