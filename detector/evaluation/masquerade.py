"""Masquerade detection: whether blocks of a user's shell commands were typed by that user.

This evaluates the household layer alone, on another kind of data. The score is the ratio of two
rates: the Pitman-Yor predictive of one user's counts (Teh 2006, "A hierarchical Bayesian language
model", eq. 2), which backs off to the rates of all other users, and those rates. As in Maxion &
Townsend (2002), "Masquerade detection using truncated command lines", blocks that look like the
user's own update the counts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from detector.household.command_counts import DISCOUNT, STRENGTH

__all__ = ["lift_bits", "rates_of", "score_blocks"]

#: A block is learned if it is less than this many standard deviations above the user's mean.
_LEARNED_BELOW = 2.0
#: Added to the standard deviation of the blocks, which is near zero for very regular users (bits).
_LEAST_SPREAD = 0.1
_UNSEEN = 0.01


def rates_of(others: Counter[str], commands: set[str]) -> dict[str, float]:
    """Return the other users' rates of ``commands``; unused commands count as 0.01 uses."""
    total = others.total() + _UNSEEN * len(commands)
    return {command: (others[command] + _UNSEEN) / total for command in commands}


def lift_bits(block: Counter[str], own: Counter[str], base: Mapping[str, float]) -> float:
    """Return how unlike the user the commands of a block are, in bits per command.

    The value is the mean log ratio of the other users' rate to the user's own; higher is less like
    the user.

    Args:
        block: counts of the block's commands, at least one.
        own: counts of the user's commands.
        base: the other users' rates of all these commands.
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
    """Score the blocks of one user in order, each before it may be learned.

    Args:
        history: the user's own commands, at least two blocks.
        blocks: the blocks to score, all of the same length.
        base: the other users' rates of every command.

    Returns:
        The distance of each block from the mean of the history, in standard deviations; higher is
        less like the user.
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
