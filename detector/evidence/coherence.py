"""Terms about unusual combinations of slots, within the subject and with earlier subjects."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detector.evidence.context import MISSING, Moment, Term, of_subject
from detector.evidence.sentences import RARER, Sentences
from detector.household.state import Subject

__all__ = ["TERMS"]


def _left_out(moment: Moment, subject: Subject) -> list[float]:
    return moment.population.coherence.left_out_bits(moment.event.intent, subject.slots)


def _across(value: Callable[[Sequence[float]], float]) -> Callable[[Moment], float]:
    """Make a term of the pairs of an earlier slot and a slot of the subject.

    The term is missing if no slot was named in an earlier subject.
    """
    return of_subject(
        lambda moment, subject: value(moment.across_bits) if subject.told else MISSING
    )


def _most(bits: Sequence[float]) -> float:
    return max(bits, default=0.0)


TERMS = (
    Term(
        "slots_apart_bits",
        "bits",
        "how much more rarely than by chance two slots of the subject occur together, rarest pair",
        Sentences(
            "two of its details occur together more rarely than by chance ({value:.1f} bits)",
            "no two of its details occur together more rarely than by chance",
            edge=RARER,
        ),
        of_subject(lambda moment, _: _most(moment.apart_bits)),
    ),
    Term(
        "slots_apart_sum",
        "bits",
        "how much more rarely than by chance the slots of the subject occur together, all pairs",
        Sentences(
            "its details occur together more rarely than by chance ({value:.1f} bits)",
            "its details occur together no more rarely than by chance",
            edge=RARER,
        ),
        of_subject(lambda moment, _: sum(moment.apart_bits)),
    ),
    Term(
        "slot_left_out_bits",
        "bits",
        "surprisal of a missing slot that usually accompanies a named one, most surprising slot",
        Sentences(
            "a detail is missing that usually accompanies the others ({value:.1f} bits)",
            "no detail is missing that usually accompanies the others",
            edge=1.0,
        ),
        of_subject(lambda moment, subject: _most(_left_out(moment, subject))),
    ),
    Term(
        "earlier_apart_bits",
        "bits",
        "how much more rarely than by chance a slot of the subject follows an earlier one, "
        "rarest pair",
        Sentences(
            "one of its details follows an earlier one more rarely than by chance "
            "({value:.1f} bits)",
            "none of its details follows an earlier one more rarely than by chance",
            edge=RARER,
        ),
        _across(_most),
    ),
    Term(
        "earlier_apart_sum",
        "bits",
        "how much more rarely than by chance the slots of the subject follow earlier ones, "
        "all pairs",
        Sentences(
            "its details follow the earlier ones more rarely than by chance ({value:.1f} bits)",
            "its details follow the earlier ones no more rarely than by chance",
            edge=RARER,
        ),
        _across(sum),
    ),
)
