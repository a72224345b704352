"""Terms about the confidences of the recognisers, which are often missing.

Each channel has a lowest and a mean confidence: one turn of a meant chain may be mumbled, but
background talk is recognised badly throughout.
"""

from __future__ import annotations

from detector.evidence.context import MISSING, Term

__all__ = ["TERMS"]


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values) if values else MISSING


TERMS = (
    Term(
        "wake_confidence",
        "probability",
        "lowest confidence of the wake word in the chain",
        "the wake word was heard with a confidence of only {value:.2f}",
        lambda moment: min(moment.chain.wake_confidences, default=MISSING),
    ),
    Term(
        "wake_mean",
        "probability",
        "mean confidence of the wake word in the chain",
        "the wake word was heard with a confidence of only {value:.2f} throughout",
        lambda moment: _mean(moment.chain.wake_confidences),
    ),
    Term(
        "asr_confidence",
        "probability",
        "lowest confidence of the speech recogniser in the chain",
        "the words were recognised with a confidence of only {value:.2f}",
        lambda moment: min(moment.chain.asr_confidences, default=MISSING),
    ),
    Term(
        "asr_mean",
        "probability",
        "mean confidence of the speech recogniser in the chain",
        "the words were recognised with a confidence of only {value:.2f} throughout",
        lambda moment: _mean(moment.chain.asr_confidences),
    ),
    Term(
        "intent_confidence",
        "probability",
        "lowest confidence of the intent classifier in the chain",
        "the intent was recognised with a confidence of only {value:.2f}",
        lambda moment: min(moment.chain.intent_confidences, default=MISSING),
    ),
    Term(
        "intent_mean",
        "probability",
        "mean confidence of the intent classifier in the chain",
        "the intent was recognised with a confidence of only {value:.2f} throughout",
        lambda moment: _mean(moment.chain.intent_confidences),
    ),
)
