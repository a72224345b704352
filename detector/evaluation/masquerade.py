"""Is it still the same person? Blocks of somebody's commands against what they and everybody else usually type.

The household layer alone, on another kind of data: the Pitman-Yor predictive of one person's counts (Teh 2006, "A hierarchical Bayesian
language model", eq. 2), backed off to everybody else's, as a ratio to everybody else's. Updated with what looks like the
person's own, as in Maxion & Townsend (2002), "Masquerade detection using truncated command lines".
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from detector.household.learning import DISCOUNT, STRENGTH

__all__ = ["lift_bits", "rates_of", "score_blocks"]

#: A block that is less than this many standard deviations from the person's usual ones is learned.
_LEARNED_BELOW = 2.0
#: Blocks of a person who always types the same hardly differ; this much is granted to everybody (bits).
_LEAST_SPREAD = 0.1
_UNSEEN = 0.01


def rates_of(others: Counter[str], commands: set[str]) -> dict[str, float]:
    """Return everybody else's rates of ``commands``; one that nobody else used counts as a hundredth of a use."""
    total = others.total() + _UNSEEN * len(commands)
    return {command: (others[command] + _UNSEEN) / total for command in commands}


def lift_bits(block: Counter[str], own: Counter[str], base: Mapping[str, float]) -> float:
    """Return by how many bits a command of ``block`` is likelier under everybody else's rates, on average; higher is less like the person.

    Args:
        block: the commands, at least one.
        own: counts of the person's.
        base: everybody else's rates of all of them.
    """
    total = own.total()
    spread = STRENGTH + sum(min(count, DISCOUNT) for count in own.values())
    bits = sum(
        times
        * (
            math.log2(base[command])
            - math.log2(_own_rate(own[command], spread * base[command], total))
        )
        for command, times in block.items()
    )
    return bits / block.total()


def score_blocks(
    history: Sequence[str], blocks: Sequence[Sequence[str]], base: Mapping[str, float]
) -> list[float]:
    """Score one person's blocks in order, each before it may be learned.

    Args:
        history: commands that are the person's own, at least two blocks of them.
        blocks: what is to be judged, all of one length.
        base: everybody else's rates of every command.

    Returns:
        How many standard deviations each block is from those of the history; higher is less like the person.
    """
    own, length = Counter(history), len(blocks[0])
    parts = [
        Counter(history[begin : begin + length])
        for begin in range(0, len(history) - length + 1, length)
    ]
    usual = [lift_bits(part, own - part, base) for part in parts]
    middle, spread = float(np.mean(usual)), float(np.std(usual)) + _LEAST_SPREAD
    scores = []
    for block in blocks:
        counted = Counter(block)
        score = (lift_bits(counted, own, base) - middle) / spread
        scores.append(score)
        if score < _LEARNED_BELOW:
            own += counted
    return scores


def _own_rate(count: int, backed_off: float, total: int) -> float:
    return (max(count - DISCOUNT, 0.0) + backed_off) / (total + STRENGTH)
