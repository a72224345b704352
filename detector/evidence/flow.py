"""Terms about the flow of the dialogue: the surprisal of each turn as a move, in any domain."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detector.evidence.context import MISSING, Moment, Term
from detector.evidence.sentences import RARE, RARE_SEQUENCE, Sentences

__all__ = ["TERMS"]


def _of_subject_moves(value: Callable[[Sequence[float]], float]) -> Callable[[Moment], float]:
    """Make a term's value of the moves since the subject changed."""

    def of(moment: Moment) -> float:
        bits = moment.flow_bits[moment.kept_before :]
        return value(bits) if bits else MISSING

    return of


def _mean(bits: Sequence[float]) -> float:
    return sum(bits) / len(bits) if bits else MISSING


TERMS = (
    Term(
        "flow_first_bits",
        "bits",
        "surprisal of the move that changed the subject",
        Sentences(
            "users hardly ever change the subject like that ({value:.1f} bits)",
            "it is not rare for users to change the subject like that",
            edge=RARE,
        ),
        _of_subject_moves(lambda bits: bits[0]),
    ),
    Term(
        "flow_peak_bits",
        "bits",
        "surprisal of the most surprising move after the one that changed the subject",
        Sentences(
            "after its first turn, the dialogue continues in an unusual way ({value:.1f} bits)",
            "after its first turn, the dialogue does not continue in an unusual way",
            edge=RARE,
        ),
        _of_subject_moves(lambda bits: max(bits[1:], default=MISSING)),
    ),
    Term(
        "flow_bits",
        "bits",
        "surprisal of all moves since the subject changed",
        Sentences(
            "dialogues hardly ever proceed like that ({value:.1f} bits)",
            "it is not rare for a dialogue to proceed like that",
            edge=RARE_SEQUENCE,
        ),
        _of_subject_moves(sum),
    ),
    Term(
        "flow_mean_bits",
        "bits",
        "mean surprisal of a move since the subject changed",
        Sentences(
            "its turns follow each other in an unusual way ({value:.1f} bits per turn)",
            "its turns do not follow each other in an unusual way",
            edge=RARE,
        ),
        _of_subject_moves(_mean),
    ),
    Term(
        "flow_before_bits",
        "bits",
        "mean surprisal of a move before the subject changed",
        Sentences(
            "the dialogue before it proceeded in an unusual way ({value:.1f} bits per turn)",
            "the dialogue before it did not proceed in an unusual way",
            edge=RARE,
        ),
        lambda moment: _mean(moment.flow_bits[: moment.kept_before]),
    ),
)
