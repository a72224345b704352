"""The other channels: how sure the recognisers were. Often missing, which is a value of its own."""

from __future__ import annotations

from detector.evidence.moment import MISSING, Term

__all__ = ["TERMS"]


def _known(value: float | None) -> float:
    return MISSING if value is None else value


TERMS = (
    Term(
        "wake_confidence",
        "probability",
        "lowest confidence of the wake word in the chain",
        "the wake word was heard with a confidence of only {value:.2f}",
        lambda moment: _known(moment.chain.wake_confidence),
    ),
    Term(
        "asr_confidence",
        "probability",
        "lowest confidence of the speech recogniser in the chain",
        "the words were recognised with a confidence of only {value:.2f}",
        lambda moment: _known(moment.chain.asr_confidence),
    ),
    Term(
        "intent_confidence",
        "probability",
        "lowest confidence of the intent classifier in the chain",
        "the intent was recognised with a confidence of only {value:.2f}",
        lambda moment: _known(moment.chain.intent_confidence),
    ),
)
