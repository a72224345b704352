"""Terms about the course of the dialogue: the search before the command, and its usual slots."""

from __future__ import annotations

import math

from detector.contracts.events import domain_of
from detector.evidence.context import MISSING, Moment, Term
from detector.evidence.sentences import RARE, Sentences

__all__ = ["TERMS"]


def _search_bits(moment: Moment) -> float:
    """Return the surprisal of whether another intent of the domain came before this one."""
    rate = moment.population.searched.get(moment.event.intent)
    if rate is None:
        return MISSING
    searched = any(
        domain_of(intent) == moment.event.domain and intent != moment.event.intent
        for intent in moment.before
    )
    return -math.log2(rate if searched else 1.0 - rate)


def _slot_bits(moment: Moment) -> float:
    """Return the surprisal of the set of known slots, each slot taken independently."""
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
        "surprisal of whether a search in the domain preceded the command",
        Sentences(
            "users usually lead up to {intent} in another way ({value:.1f} bits)",
            "users usually lead up to {intent} like that",
            edge=1.0,
        ),
        _search_bits,
    ),
    Term(
        "slot_bits",
        "bits",
        "surprisal of the set of slots that are known when the intent is committed",
        Sentences(
            "the set of details is unusual for {intent} ({value:.1f} bits)",
            "the set of details is not unusual for {intent}",
            edge=RARE,
        ),
        _slot_bits,
    ),
    Term(
        "slots_missing",
        "slots",
        "expected number of usual slots of the intent that the session lacks",
        Sentences(
            "about {value:.1f} of the usual details of {intent} were not given",
            "all usual details of {intent} were given",
            edge=0.05,
        ),
        _slots_missing,
    ),
    Term(
        "slots_repeated",
        "slots",
        "slots that were named again within the chain",
        Sentences(
            "the command repeats at least {value:.0f} detail{s}",
            "the command repeats no details",
            edge=1.0,
        ),
        lambda moment: float(min(moment.chain.repeated, 4)),
    ),
    Term(
        "slots_conflicting",
        "slots",
        "slots whose value differs from an earlier one in the session",
        Sentences(
            "the command contradicts at least {value:.0f} earlier detail{s}",
            "the command contradicts no earlier details",
            edge=1.0,
        ),
        lambda moment: float(min(moment.chain.conflicts, 4)),
    ),
)
