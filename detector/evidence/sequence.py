"""Terms about the chain as a sequence: the sequence model's surprisals in bits; higher is rarer."""

from __future__ import annotations

import math

from detector.evidence.context import MISSING, Moment, Term
from detector.evidence.sentences import RARE, RARE_SEQUENCE, RARER, Sentences, yes_no

__all__ = ["TERMS"]


def _lift(moment: Moment) -> float:
    share = moment.population.committing.get(moment.chain.intent)
    return MISSING if share is None else sum(moment.chain.bits) + math.log2(share)


TERMS = (
    Term(
        "chain_bits",
        "bits",
        "surprisal of the chain, summed over its events",
        Sentences(
            "the sequence of turns is rare ({value:.1f} bits)",
            "the sequence of turns is not rare",
            edge=RARE_SEQUENCE,
        ),
        lambda moment: sum(moment.chain.bits),
    ),
    Term(
        "first_bits",
        "bits",
        "surprisal of the first event of the chain",
        Sentences(
            "its first turn is rare in its place ({value:.1f} bits)",
            "its first turn is not rare in its place",
            edge=RARE,
        ),
        lambda moment: moment.chain.bits[0],
    ),
    Term(
        "lift_bits",
        "bits",
        "surprisal of the chain beyond the rarity of its intent among all commands",
        Sentences(
            "the sequence of turns is rarer than {intent} usually is ({value:.1f} bits)",
            "the sequence of turns is no rarer than {intent} usually is",
            edge=RARER,
        ),
        _lift,
    ),
    Term(
        "after_commit",
        "0 or 1",
        "whether the session had a command before the chain",
        yes_no(
            "the conversation had already led to a command",
            "the conversation had not led to a command before",
        ),
        lambda moment: float(bool(moment.session.committed)),
    ),
)
