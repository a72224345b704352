"""Terms about the chain as a sequence: the sequence model's surprisals in bits; higher is rarer."""

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
        "the sequence of turns is rare ({value:.1f} bits)",
        lambda moment: sum(moment.chain.bits),
    ),
    Term(
        "first_bits",
        "bits",
        "surprisal of the first event of the chain",
        "nothing led up to its first turn ({value:.1f} bits)",
        lambda moment: moment.chain.bits[0],
    ),
    Term(
        "lift_bits",
        "bits",
        "surprisal of the chain beyond the rarity of its intent among all commands",
        "the sequence of turns is rare even for {intent} ({value:.1f} bits)",
        _lift,
    ),
    Term(
        "after_commit",
        "0 or 1",
        "whether the session had a command before the chain",
        "the conversation had already led to a command",
        lambda moment: float(bool(moment.session.committed)),
    ),
)
