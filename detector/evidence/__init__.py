"""Evidence: at a committing event the chain becomes a vector of named terms.

To add a term, add a ``Term`` to the file whose question it answers (or a file with a ``TERMS`` of its own, listed below).
``checks.py`` holds every term to the same contract: deterministic, finite or missing, and free of clocks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from detector.evidence import channels, coherence, dialogue, flow, habits, sequence, subject
from detector.evidence import session_domains as company
from detector.evidence.context import MISSING, Moment, Term

__all__ = ["LAYERS", "MISSING", "TERMS", "Moment", "Term", "evidence"]

#: The terms by the question that their file answers.
LAYERS: Mapping[str, tuple[Term, ...]] = {
    "sequence": sequence.TERMS,
    "subject": subject.TERMS,
    "habits": habits.TERMS,
    "company": company.TERMS,
    "dialogue": dialogue.TERMS,
    "flow": flow.TERMS,
    "coherence": coherence.TERMS,
    "channels": channels.TERMS,
}
TERMS: tuple[Term, ...] = tuple(term for terms in LAYERS.values() for term in terms)


def evidence(moment: Moment) -> npt.NDArray[np.float64]:
    """Return the value of every term, shape (len(TERMS),), in the order of ``TERMS``; NaN is missing."""
    return np.array([term.value(moment) for term in TERMS])
