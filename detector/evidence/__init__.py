"""Evidence: the named terms that describe the chain of a committing event as a vector.

To add a term, add a ``Term`` to the module of its topic, or add a module with its own ``TERMS`` to
``LAYERS``. ``conformance.check_term`` checks that every term is deterministic, that its value is
finite or missing, and that it does not depend on the date.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from detector.evidence import (
    channels,
    coherence,
    commands,
    dialogue,
    flow,
    habits,
    sequence,
    session_domains,
    subject,
)
from detector.evidence.context import MISSING, Moment, Term

__all__ = ["LAYERS", "MISSING", "TERMS", "Moment", "Term", "evidence"]

#: The terms by topic.
LAYERS: Mapping[str, tuple[Term, ...]] = {
    "sequence": sequence.TERMS,
    "subject": subject.TERMS,
    "habits": habits.TERMS,
    "commands": commands.TERMS,
    "company": session_domains.TERMS,
    "dialogue": dialogue.TERMS,
    "flow": flow.TERMS,
    "coherence": coherence.TERMS,
    "channels": channels.TERMS,
}
TERMS: tuple[Term, ...] = tuple(term for terms in LAYERS.values() for term in terms)
_VALUES = tuple(term.value for term in TERMS)


def evidence(moment: Moment) -> npt.NDArray[np.float64]:
    """Return the values of all terms in the order of ``TERMS``, shape (len(TERMS),).

    NaN means that a value is missing.
    """
    return np.fromiter([value(moment) for value in _VALUES], np.float64, len(_VALUES))
