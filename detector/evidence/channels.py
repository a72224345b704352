"""Terms about the confidences of the recognisers, which are often missing.

Each channel has a lowest and a mean confidence: one turn of a meant chain may be mumbled, but
background talk is recognised badly throughout.
"""

from __future__ import annotations

from detector.evidence.context import MISSING, Term
from detector.evidence.sentences import Sentences

__all__ = ["TERMS"]


#: Confidence below which a sentence says "only".
_LOW = 0.8


def _heard(what: str, when: str = "") -> Sentences:
    return Sentences(
        f"{what} with a confidence of {{value:.2f}}{when}",
        f"{what} with a confidence of only {{value:.2f}}{when}",
        edge=_LOW,
    )


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values) if values else MISSING


TERMS = (
    Term(
        "wake_confidence",
        "probability",
        "lowest confidence of the wake word in the chain",
        _heard("the wake word was heard"),
        lambda moment: min(moment.chain.wake_confidences, default=MISSING),
    ),
    Term(
        "wake_mean",
        "probability",
        "mean confidence of the wake word in the chain",
        _heard("the wake word was heard", " throughout"),
        lambda moment: _mean(moment.chain.wake_confidences),
    ),
    Term(
        "asr_confidence",
        "probability",
        "lowest confidence of the speech recogniser in the chain",
        _heard("the words were recognised"),
        lambda moment: min(moment.chain.asr_confidences, default=MISSING),
    ),
    Term(
        "asr_mean",
        "probability",
        "mean confidence of the speech recogniser in the chain",
        _heard("the words were recognised", " throughout"),
        lambda moment: _mean(moment.chain.asr_confidences),
    ),
    Term(
        "intent_confidence",
        "probability",
        "lowest confidence of the intent classifier in the chain",
        _heard("the intent was recognised"),
        lambda moment: min(moment.chain.intent_confidences, default=MISSING),
    ),
    Term(
        "intent_mean",
        "probability",
        "mean confidence of the intent classifier in the chain",
        _heard("the intent was recognised", " throughout"),
        lambda moment: _mean(moment.chain.intent_confidences),
    ),
)
