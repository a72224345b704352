"""Whether the dialogue hangs together: what usually comes before this command, and which slots it usually has."""

from __future__ import annotations

import math

from detector.contracts.events import domain_of
from detector.evidence.context import MISSING, Moment, Term

__all__ = ["TERMS"]


def _search_bits(moment: Moment) -> float:
    """Surprisal of "something else of the domain came before, or not", for this intent."""
    rate = moment.population.searched.get(moment.event.intent)
    if rate is None:
        return MISSING
    came = any(
        domain_of(intent) == moment.event.domain and intent != moment.event.intent
        for intent in moment.before
    )
    return -math.log2(rate if came else 1.0 - rate)


def _slot_bits(moment: Moment) -> float:
    """Surprisal of the set of slots that are known by now, each taken on its own."""
    usual = moment.population.slots.get(moment.event.intent)
    if usual is None:
        return MISSING
    return sum(
        -math.log2(rate if name in moment.session.slots else 1.0 - rate)
        for name, rate in usual.items()
    )


def _slots_missing(moment: Moment) -> float:
    usual = moment.population.slots.get(moment.event.intent)
    if not usual:
        return MISSING
    return sum(rate for name, rate in usual.items() if name not in moment.session.slots)


TERMS = (
    Term(
        "search_bits",
        "bits",
        "surprisal of having looked, or not, for something of the kind before commanding it",
        "people usually lead up to {intent} in another way ({value:.1f} bits)",
        _search_bits,
    ),
    Term(
        "slot_bits",
        "bits",
        "surprisal of which slots are known when the intent is committed",
        "what was said and left unsaid is unusual for {intent} ({value:.1f} bits)",
        _slot_bits,
    ),
    Term(
        "slots_missing",
        "slots",
        "expected number of slots that this intent usually has and this chain lacks",
        "about {value:.1f} of the details that {intent} usually has were never said",
        _slots_missing,
    ),
    Term(
        "slots_repeated",
        "slots",
        "slots that were said twice within the chain",
        "{value:.0f} details were said twice",
        lambda moment: float(min(moment.chain.repeated, 4)),
    ),
    Term(
        "slots_conflicting",
        "slots",
        "slots whose value differs from what the session said before",
        "{value:.0f} details differ from what was said before",
        lambda moment: float(min(moment.chain.conflicts, 4)),
    ),
)
