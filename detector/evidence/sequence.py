"""How rare the chain is as a sequence: the surprisals of the hidden Markov model, in bits; higher is rarer."""

from __future__ import annotations

import math

from detector.evidence.context import MISSING, Moment, Term

__all__ = ["TERMS"]


def _lift(moment: Moment) -> float:
    share = moment.population.committing.get(moment.chain.intent)
    return MISSING if share is None else sum(moment.chain.bits) + math.log2(share)


TERMS = (
    Term(
        "chain_bits",
        "bits",
        "surprisal of the chain, summed over its events",
        "as a sequence the chain carries {value:.1f} bits",
        lambda moment: sum(moment.chain.bits),
    ),
    Term(
        "first_bits",
        "bits",
        "surprisal of the event that began the chain",
        "it begins where nothing led up to it ({value:.1f} bits)",
        lambda moment: moment.chain.bits[0],
    ),
    Term(
        "lift_bits",
        "bits",
        "surprisal of the chain beyond the rarity of its intent among all commands",
        "even for {intent} the chain is rare, by {value:.1f} bits",
        _lift,
    ),
    Term(
        "after_commit",
        "0 or 1",
        "whether the session had carried out a command before the chain",
        "the conversation had already had its command",
        lambda moment: float(bool(moment.session.committed)),
    ),
)
