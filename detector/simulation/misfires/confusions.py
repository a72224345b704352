"""How speech recognisers confuse intents, estimated on real speech for intents of any vocabulary.

The numbers are counts over SLURP (Bastianelli et al. 2020, "SLURP: A Spoken Language Understanding
Resource Package", EMNLP): what people said, what a recogniser heard, and the intent of each.
``misfire bench slurp`` reproduces them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from detector.contracts.events import domain_of

__all__ = ["SLURP", "Confusions", "Heard", "Relation", "affinities", "count_confusions", "relation"]

_WORD = re.compile(r"[A-Z]*[a-z0-9]+|[A-Z]+")
#: Rounds of the fit of affinities; six digits are stable after about twenty.
_ROUNDS = 100


class Relation(StrEnum):
    """The relation of the intent that was heard to the one that was meant."""

    #: The same domain: setting an alarm, heard as listing alarms.
    DOMAIN = "same domain"
    #: Another domain, but the same verb: setting an alarm, heard as setting a meeting.
    VERB = "same verb"
    #: Neither.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Confusions:
    """The confusions of a recogniser.

    Attributes:
        utterances: number of utterances.
        misheard: number of utterances taken for another intent.
        counts: misheard utterances by relation.
        affinity: by relation, how much likelier an intent is heard than an equally frequent
            unrelated one.
        words_right: share of the misheard utterances with every word right. A speech recogniser is
            confident about these.
        words_shared: mean share of common words in the misheard utterances with a wrong word.
    """

    utterances: int
    misheard: int
    counts: Mapping[Relation, int]
    affinity: Mapping[Relation, float]
    words_right: float
    words_shared: float


#: Counts over 6,481 utterances, as printed by ``misfire bench slurp``.
SLURP = Confusions(
    utterances=6_481,
    misheard=1_403,
    counts=MappingProxyType({Relation.DOMAIN: 505, Relation.VERB: 180, Relation.OTHER: 718}),
    affinity=MappingProxyType({Relation.DOMAIN: 20.21, Relation.VERB: 5.24, Relation.OTHER: 1.0}),
    words_right=0.304,
    words_shared=0.607,
)


@dataclass(frozen=True, slots=True)
class Heard:
    """An utterance and its intent, as said and as heard. Intents have the form ``domain.Name``."""

    said: str
    words: str
    meant: str
    intent: str


def relation(meant: str, heard: str) -> Relation:
    """Return the relation of two intents. The verb is the first word of an intent's name.

    >>> relation("alarms.SetAlarm", "timers.SetTimer").value
    'same verb'
    """
    if domain_of(meant) == domain_of(heard):
        return Relation.DOMAIN
    return Relation.VERB if _verb(meant) == _verb(heard) else Relation.OTHER


def affinities(
    meant: str, intents: Sequence[str], confusions: Confusions = SLURP
) -> npt.NDArray[np.float64]:
    """Return how much likelier each intent is heard for ``meant`` than an unrelated one, (n,).

    The value of ``meant`` itself is 0.
    """
    return np.array(
        [
            0.0 if intent == meant else confusions.affinity[relation(meant, intent)]
            for intent in intents
        ]
    )


def count_confusions(heard: Sequence[Heard]) -> Confusions:
    """Count the confusions in utterances, at least one of which is misheard.

    The model is P(heard | meant) ~ affinity(relation) x frequency of the heard intent. The
    affinities are its maximum-likelihood estimate: the expected number of confusions of each
    relation equals the count. They are fitted by iterative scaling (Darroch & Ratcliff 1972).
    """
    misheard = [each for each in heard if each.meant != each.intent]
    counts = Counter(relation(each.meant, each.intent) for each in misheard)
    shared = [_shared(each) for each in misheard]
    wrong = [share for share in shared if share < 1.0]
    return Confusions(
        utterances=len(heard),
        misheard=len(misheard),
        counts={each: counts[each] for each in Relation},
        affinity=_fit(
            Counter(each.meant for each in heard), Counter(each.meant for each in misheard), counts
        ),
        words_right=1.0 - len(wrong) / len(misheard),
        words_shared=float(np.mean(wrong)) if wrong else 1.0,
    )


def _fit(
    said: Mapping[str, int], misheard: Mapping[str, int], counts: Mapping[Relation, int]
) -> dict[Relation, float]:
    """Scale the affinity of each relation until expected and observed counts agree."""
    chances = {meant: Counter[Relation]() for meant in misheard}
    for meant, chance in chances.items():
        for intent, often in said.items():
            if intent != meant:
                chance[relation(meant, intent)] += often
    affinity = dict.fromkeys(Relation, 1.0)
    for _ in range(_ROUNDS):
        expected = dict.fromkeys(Relation, 0.0)
        for meant, chance in chances.items():
            mass = sum(often * affinity[each] for each, often in chance.items())
            for each, often in chance.items():
                expected[each] += misheard[meant] * often * affinity[each] / mass
        affinity = {
            each: value * counts[each] / expected[each] if expected[each] else value
            for each, value in affinity.items()
        }
    return {each: value / affinity[Relation.OTHER] for each, value in affinity.items()}


def _verb(intent: str) -> str:
    found = _WORD.search(intent.partition(".")[2])
    return found.group().lower() if found else ""


def _shared(each: Heard) -> float:
    """Return the share of words in common, in order; 1 if every word is right."""
    return SequenceMatcher(None, each.said.split(), each.words.split(), autojunk=False).ratio()
