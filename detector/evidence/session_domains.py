"""Terms about the session's other domains: whether the subject fits the rest of the conversation.

A guest's whole conversation is unusual for the household. A single unusual subject in an otherwise
usual conversation is stronger evidence of a misfire.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detector.evidence.context import MISSING, Moment, Term
from detector.evidence.sentences import RARE, RARER, Sentences

__all__ = ["TERMS"]


def _of_company(value: Callable[[Sequence[float]], float]) -> Callable[[Moment], float]:
    """Make a term's value of the surprisals of the session's other domains in this household.

    The term is missing if the session had no other domain before.
    """
    return lambda moment: value(moment.company_bits) if moment.company_bits else MISSING


def _stranger(moment: Moment) -> float:
    return moment.domain_bits - min(moment.company_bits) if moment.company_bits else MISSING


TERMS = (
    Term(
        "company_bits",
        "bits",
        "surprisal of the session's earlier domain that is the most usual in this household",
        Sentences(
            "every earlier subject of the conversation is rare in this household "
            "({value:.1f} bits)",
            "not every earlier subject of the conversation is rare in this household",
            edge=RARE,
        ),
        _of_company(min),
    ),
    Term(
        "company_peak_bits",
        "bits",
        "surprisal of the session's earlier domain that is the rarest in this household",
        Sentences(
            "an earlier subject of the conversation is rare in this household ({value:.1f} bits)",
            "no earlier subject of the conversation is rare in this household",
            edge=RARE,
        ),
        _of_company(max),
    ),
    Term(
        "stranger_bits",
        "bits",
        "how much rarer the domain is in this household than the session's most usual earlier one",
        Sentences(
            "it is rarer in this household than an earlier subject of the conversation "
            "({value:.1f} bits)",
            "it is no rarer in this household than any earlier subject of the conversation",
            edge=RARER,
        ),
        _stranger,
    ),
)
