"""Whether the subject fits the rest of the conversation: how this household stands to what else it was about.

A guest's conversation is strange from beginning to end; something strange in the middle of a usual conversation is another matter.
"""

from __future__ import annotations

from collections.abc import Callable

from detector.evidence.context import MISSING, Moment, Term
from detector.evidence.habits import domain_bits

__all__ = ["TERMS"]


def _company(value: Callable[[list[float]], float]) -> Callable[[Moment], float]:
    """A value of the other domains' surprisals under the household's predictive; missing where the session had no other before."""

    def of(moment: Moment) -> float:
        others = [
            domain_bits(moment, domain) for domain in sorted(moment.earlier - {moment.event.domain})
        ]
        return value(others) if others else MISSING

    return of


def _stranger(moment: Moment) -> float:
    return domain_bits(moment, moment.event.domain) - _company(min)(moment)


TERMS = (
    Term(
        "company_bits",
        "bits",
        "surprisal of the domain that is the most usual here among those that the session was about before",
        "the conversation had been about nothing that is usual here ({value:.1f} bits)",
        _company(min),
    ),
    Term(
        "company_peak_bits",
        "bits",
        "surprisal of the domain that is the rarest here among those that the session was about before",
        "the conversation had been about something that is rare here ({value:.1f} bits)",
        _company(max),
    ),
    Term(
        "stranger_bits",
        "bits",
        "how much rarer the domain is in this household than the most usual one that the session was about before",
        "it is rarer here than what the conversation had been about, by {value:.1f} bits",
        _stranger,
    ),
)
