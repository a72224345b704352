"""Whether the conversation goes on as people's do, whatever it is about: each turn's surprisal as a move (``flow.py``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detector.evidence.context import MISSING, Moment, Term

__all__ = ["TERMS"]


def _own(value: Callable[[Sequence[float]], float]) -> Callable[[Moment], float]:
    """A value of the moves since the subject changed."""

    def of(moment: Moment) -> float:
        own = moment.flow_bits[moment.kept_before :]
        return value(own) if own else MISSING

    return of


def _mean(bits: Sequence[float]) -> float:
    return sum(bits) / len(bits) if bits else MISSING


TERMS = (
    Term(
        "flow_first_bits",
        "bits",
        "surprisal of the move that changed the subject",
        "people hardly ever change the subject like that ({value:.1f} bits)",
        _own(lambda bits: bits[0]),
    ),
    Term(
        "flow_peak_bits",
        "bits",
        "surprisal of the most surprising move after the one that changed the subject",
        "once begun, it goes on in a way that is rare whatever it is about ({value:.1f} bits)",
        _own(lambda bits: max(bits[1:], default=MISSING)),
    ),
    Term(
        "flow_bits",
        "bits",
        "surprisal of all moves since the subject changed",
        "conversations hardly ever go like that ({value:.1f} bits)",
        _own(sum),
    ),
    Term(
        "flow_mean_bits",
        "bits",
        "mean surprisal of a move since the subject changed",
        "turn by turn it goes on in a rare way ({value:.1f} bits)",
        _own(_mean),
    ),
    Term(
        "flow_before_bits",
        "bits",
        "mean surprisal of a move before the subject changed",
        "what was talked about before had gone on in a rare way ({value:.1f} bits)",
        lambda moment: _mean(moment.flow_bits[: moment.kept_before]),
    ),
)
