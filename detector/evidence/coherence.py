"""Whether the details go together: with each other, and with what the conversation was about before."""

from __future__ import annotations

from collections.abc import Callable

from detector.evidence.context import MISSING, Moment, Term, of_subject
from detector.household.state import Subject
from detector.population.slot_pairs import qualified

__all__ = ["TERMS"]


def _apart(moment: Moment, subject: Subject) -> list[float]:
    return moment.population.coherence.apart_bits(moment.event.intent, subject.slots)


def _left_out(moment: Moment, subject: Subject) -> list[float]:
    return moment.population.coherence.left_out_bits(moment.event.intent, subject.slots)


def _across(value: Callable[[list[float]], float]) -> Callable[[Moment], float]:
    """A value of the pairs of details from before and since; missing where nothing was said before."""

    def of(moment: Moment, subject: Subject) -> float:
        if not subject.told:
            return MISSING
        said = qualified(subject.domain, subject.slots)
        return value(moment.population.coherence.across_bits(subject.told, said))

    return of_subject(of)


def _most(bits: list[float]) -> float:
    return max(bits, default=0.0)


TERMS = (
    Term(
        "slots_apart_bits",
        "bits",
        "how much more seldom than by chance two slots of the subject are said together, the rarest pair",
        "two of its details are hardly ever said together ({value:.1f} bits)",
        of_subject(lambda moment, subject: _most(_apart(moment, subject))),
    ),
    Term(
        "slots_apart_sum",
        "bits",
        "how much more seldom than by chance the slots of the subject are said together, over all pairs",
        "its details hardly ever go together ({value:.1f} bits)",
        of_subject(lambda moment, subject: sum(_apart(moment, subject))),
    ),
    Term(
        "slot_left_out_bits",
        "bits",
        "surprisal of a slot that was not said although another one was that it goes with, the most surprising one",
        "a detail is missing that people give together with what was said ({value:.1f} bits)",
        of_subject(lambda moment, subject: _most(_left_out(moment, subject))),
    ),
    Term(
        "earlier_apart_bits",
        "bits",
        "how much more seldom than by chance a slot of the subject is said after one from earlier in the session, the rarest pair",
        "what was said before hardly ever leads to such details ({value:.1f} bits)",
        _across(_most),
    ),
    Term(
        "earlier_apart_sum",
        "bits",
        "how much more seldom than by chance the slots of the subject are said after those from earlier in the session, over all pairs",
        "its details hardly ever follow what was said before ({value:.1f} bits)",
        _across(sum),
    ),
)
