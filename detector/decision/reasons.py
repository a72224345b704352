"""Explanations of a judgement: its contributions as sentences, and what was expected instead."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detector.contracts.decisions import Expected, Reason
from detector.evidence import TERMS, Moment
from detector.household.state import Session
from detector.population.model import Model

__all__ = ["expected_instead", "reasons_for"]

#: Reasons shown to a person; ``Judge.contributions`` returns all of them.
_MOST_REASONS = 3
_MOST_EXPECTED = 3
#: Contributions below half a bit are noise to the reader.
_LEAST_BITS = 0.5


def reasons_for(
    moment: Moment,
    values: npt.NDArray[np.float64],
    contributions: npt.NDArray[np.float64],
    *,
    at_least: int = 1,
) -> tuple[Reason, ...]:
    """Return the terms that speak most for a misfire, the strongest first, as sentences.

    Args:
        moment: the moment that was judged.
        values: (T,) its evidence.
        contributions: (T,) each term's part of the log-odds, in bits; higher speaks for a misfire.
        at_least: how many reasons to return even if they are weak.
    """
    found: list[Reason] = []
    for term in np.argsort(-contributions, kind="stable").tolist():
        bits = float(contributions[term])
        if len(found) == _MOST_REASONS or (len(found) >= at_least and bits < _LEAST_BITS):
            break
        text = TERMS[term].text(float(values[term]), moment.event.intent)
        if text is not None:
            found.append(
                Reason(
                    code=TERMS[term].name,
                    event_id=moment.event.event_id,
                    bits=round(bits, 6),
                    text=text,
                )
            )
    return tuple(found)


def expected_instead(
    model: Model, session: Session, bits: tuple[float, ...]
) -> tuple[Expected, ...]:
    """Return the likeliest events at the position of the chain's most surprising event.

    Args:
        model: the population model.
        session: the session, which ends with the chain.
        bits: surprisal of each event of the chain, in bits.
    """
    kept = session.symbols
    place = len(kept) - len(bits) + bits.index(max(bits))
    likely = model.predictive(kept[: max(place, 0)])[: model.vocabulary.unseen]
    best = np.argsort(-likely, kind="stable")[:_MOST_EXPECTED]
    return tuple(
        Expected(
            intent=model.vocabulary.symbols[symbol][0],
            act=model.vocabulary.symbols[symbol][1],
            probability=round(float(likely[symbol]), 6),
        )
        for symbol in best
    )
