"""The learning curve: how good decisions are by the number of events that a home has given before.

Thin data should say so: the probability in a new home should be calibrated as well as in an old
one, although it ranks worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import Decision, Verdict
from detector.evaluation.reliability import prior_weights

__all__ = ["Group", "events_seen", "grouped"]

Bools = npt.NDArray[np.bool_]

#: The first number of each range of events that a home has given before.
_RANGES = (0, 10, 100, 1_000)


@dataclass(frozen=True, slots=True)
class Group:
    """Some commands of a stream: how good the probabilities and verdicts on them are.

    The probabilities are weighted so that the group has the policy's base rate of misfires. They
    are ``None`` if the group has no misfires or no meant commands.

    Attributes:
        commands: number of commands, with misfires.
        misfires: number of misfires.
        interrupted: share of the meant commands that were not allowed, or ``None`` without any.
        stopped: share of the misfires that were not allowed, or ``None`` without any.
        probability: mean misfire probability, which is the base rate if it is calibrated.
        brier: mean squared error of the probability (Brier 1950).
        always_base_rate: the same error of always predicting the base rate.
    """

    commands: int
    misfires: int
    interrupted: float | None
    stopped: float | None
    probability: float | None
    brier: float | None
    always_base_rate: float


def events_seen(number: int) -> str:
    """Return the name of the range that a number of events is in.

    >>> events_seen(0), events_seen(10), events_seen(2_000)
    ('0 to 9', '10 to 99', '1,000 or more')
    """
    place = max(place for place, first in enumerate(_RANGES) if number >= first)
    if place == len(_RANGES) - 1:
        return f"{_RANGES[place]:,} or more"
    return f"{_RANGES[place]:,} to {_RANGES[place + 1] - 1:,}"


def grouped(
    decisions: Sequence[Decision], misfires: Bools, names: Sequence[str], base_rate: float
) -> dict[str, Group]:
    """Return the group of commands with each name, in the order of their first command.

    Args:
        decisions: the decisions on (n,) committed chains.
        misfires: (n,) which of them are misfires.
        names: (n,) the group that each belongs to.
        base_rate: share of misfires among commands in real use.
    """
    places = {name: np.array([each == name for each in names]) for name in dict.fromkeys(names)}
    return {
        name: _group(
            [decisions[place] for place in np.flatnonzero(inside).tolist()],
            misfires[inside],
            base_rate,
        )
        for name, inside in places.items()
    }


def _group(decisions: Sequence[Decision], misfires: Bools, base_rate: float) -> Group:
    held = np.array([decision.verdict is not Verdict.ALLOW for decision in decisions])
    chances = np.array([decision.misfire_probability for decision in decisions], dtype=float)
    both = misfires.any() and not misfires.all()
    weights = prior_weights(misfires, base_rate) if both else None
    return Group(
        commands=len(decisions),
        misfires=int(misfires.sum()),
        interrupted=None if misfires.all() else round(float(held[~misfires].mean()), 5),
        stopped=round(float(held[misfires].mean()), 5) if misfires.any() else None,
        probability=None if weights is None else float(weights @ chances),
        brier=None if weights is None else float(weights @ (chances - misfires) ** 2),
        always_base_rate=base_rate * (1.0 - base_rate),
    )
