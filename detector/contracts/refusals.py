"""The sentence of each refusal of an answer. Apart from ``confirmation.py``, so that a client needs no model to refuse."""

from __future__ import annotations

from detector.contracts.confirmations import ConfirmationAnswer, ConfirmationResult, Refusal, Result

__all__ = ["refused"]

_SENTENCES = {
    Refusal.UNKNOWN: "No such question is open in this household; ask for the decision again.",
    Refusal.OTHER_HOUSEHOLD: "The question was put to another household.",
    Refusal.OTHER_SESSION: "The question was asked in another conversation.",
    Refusal.OTHER_INTENT: "The question was about another command.",
    Refusal.CHANGED_SLOTS: "The command's slots are not those that were asked about; ask for a decision on the new ones.",
    Refusal.EXPIRED: "The answer came after the question expired; ask for the decision again.",
    Refusal.ALREADY_ANSWERED: "The question was answered before; an answer counts once.",
    Refusal.SUPERSEDED: "Another question about the same command took its place.",
    Refusal.TOO_MANY_ATTEMPTS: "Too many answers went wrong; ask for the decision again.",
    Refusal.METHOD_NOT_OFFERED: "This way of confirming is not offered for this command, or not by a worker without a key for proofs.",
    Refusal.PROOF_MISSING: "A PIN or a push is confirmed with a proof that it was checked.",
    Refusal.PROOF_WRONG: "The proof was not made for this question and method with the key that is known here.",
    Refusal.WRONG_WORDS: "The words that were heard are not those that were asked for.",
    Refusal.NOTHING_HEARD: "A spoken yes needs the turn that was heard: an affirmation in the same conversation.",
    Refusal.UNLIKELY_ANSWER: "The yes that was heard is itself unlikely to be meant.",
    Refusal.UNCHECKED: "Nobody could check the answer in time; give it again before the question expires.",
}


def refused(given: ConfirmationAnswer, refusal: Refusal) -> ConfirmationResult:
    """Return what became of an answer that counts for nothing."""
    return ConfirmationResult(
        confirmation_id=given.confirmation_id,
        answer_id=given.answer_id,
        household_id=given.household_id,
        result=Result.REFUSED,
        reason=refusal,
        text=_SENTENCES[refusal],
    )
