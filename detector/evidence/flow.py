"""Terms about the flow of the dialogue: the surprisal of each turn as a move, in any domain."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detector.evidence.context import MISSING, Moment, Term

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
        "users hardly ever change the subject like that ({value:.1f} bits)",
        _of_subject_moves(lambda bits: bits[0]),
    ),
    Term(
        "flow_peak_bits",
        "bits",
        "surprisal of the most surprising move after the one that changed the subject",
        "after its first turn, the dialogue continues in an unusual way ({value:.1f} bits)",
        _of_subject_moves(lambda bits: max(bits[1:], default=MISSING)),
    ),
    Term(
        "flow_bits",
        "bits",
        "surprisal of all moves since the subject changed",
        "dialogues hardly ever proceed like that ({value:.1f} bits)",
        _of_subject_moves(sum),
    ),
    Term(
        "flow_mean_bits",
        "bits",
        "mean surprisal of a move since the subject changed",
        "its turns follow each other in an unusual way ({value:.1f} bits per turn)",
        _of_subject_moves(_mean),
    ),
    Term(
        "flow_before_bits",
        "bits",
        "mean surprisal of a move before the subject changed",
        "the dialogue before it proceeded in an unusual way ({value:.1f} bits per turn)",
        lambda moment: _mean(moment.flow_bits[: moment.kept_before]),
    ),
)
