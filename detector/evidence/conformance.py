"""The conformance checks that every evidence term, sequence scorer and judge must pass.

They are modelled on ``check_estimator`` of scikit-learn and river. A failed check raises
``AssertionError`` with one sentence. ``tests/detector/evidence/test_evidence.py`` calls
``check_term`` with every term of ``evidence.TERMS`` on ordinary and corner cases, so a new term is
checked automatically. The test of a new sequence scorer or judge should call ``check_scorer`` or
``check_judge``.

>>> from detector.evidence import Term
>>> from detector.evidence.sentences import always
>>> turns = lambda moment: float(len(moment.chain.bits))
>>> check_term(Term("turns", "events", "length", always("it took {value:.0f} turn{s}"), turns), [])
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from detector.evidence import Moment, Term
from detector.evidence.sentence_checks import check_sentences

__all__ = ["SequenceScorer", "check_judge", "check_scorer", "check_term"]

Floats = npt.NDArray[np.float64]

#: Two computations of the same surprisal may differ by rounding only (bits).
_TOLERANCE = 1e-9
#: A term may depend on the hour of the week but not on the date: a shift by whole weeks must not
#: change it.
_WEEKS = timedelta(weeks=52)


class SequenceScorer(Protocol):
    """A scorer of symbol sequences that works one step at a time, such as ``SequenceModel``."""

    @property
    def start(self) -> int:
        """The symbol before the first of a session."""

    def fresh(self) -> Floats:
        """Return the filter before the first event."""

    def step(self, current: Floats, previous: int, symbol: int) -> tuple[Floats, float]:
        """Return the filter after ``symbol``, and its surprisal in bits."""

    def surprisals(self, symbols: Iterable[int]) -> list[float]:
        """Return the bits of each event of a whole session."""

    def predictive(self, current: Floats, previous: int) -> Floats:
        """Return the probability of each symbol as the next one."""


class _Judge(Protocol):
    @property
    def offset_bits(self) -> float: ...

    def contributions(self, values: Floats) -> Floats: ...

    def ratio_bits(self, values: Floats) -> float: ...


S = TypeVar("S", bound=SequenceScorer)
J = TypeVar("J", bound=_Judge)


def check_term(term: Term, moments: Iterable[Moment]) -> None:
    """Check that a term fulfils the contract of evidence.

    A term has a name, a unit, a meaning and true sentences (``check_sentences``). For every moment,
    its value is a finite number or NaN, and a second call gives the same value. The term does not
    modify the moment. It does not depend on ids, on the date or on the number of events in the
    household.

    Args:
        term: the term.
        moments: committed chains to evaluate it on, preferably including corner cases.

    Raises:
        AssertionError: the term violates the contract; the message says how.
    """
    _require(
        term.name.isidentifier() and term.name.islower(),
        f"term name {term.name!r} is not snake_case",
    )
    _require(bool(term.unit and term.meaning), f"term {term.name} lacks a unit or a meaning")
    check_sentences(term)
    for moment in moments:
        before = copy.deepcopy(moment)
        value = term.value(moment)
        where = f"term {term.name} on {moment.event.intent}"
        _require(
            isinstance(value, int | float), f"{where} gives {type(value).__name__}, not a number"
        )
        _require(not math.isinf(value), f"{where} is infinite")
        _require(_same(value, term.value(moment)), f"{where} gives another value when called again")
        _require(moment == before, f"{where} modifies the moment")
        _require(_same(value, term.value(_renamed(moment))), f"{where} depends on an id")
        _require(_same(value, term.value(_a_year_later(moment))), f"{where} depends on the date")


def check_scorer(
    scorer: S,
    sequences: Iterable[Sequence[int]],
    *,
    n_symbols: int,
    reload: Callable[[S], S] | None = None,
) -> None:
    """Check that a sequence scorer fulfils its contract.

    Its surprisals are finite, deterministic and unchanged by loading. One step at a time gives the
    same surprisals as the whole sequence, and they agree with the predictive, which sums to one.

    Args:
        scorer: the scorer.
        sequences: sequences over ``0 .. n_symbols - 1``, preferably including unseen ones.
        n_symbols: the number of symbols, including the unseen one.
        reload: a function that saves and loads a scorer, if it can be saved.

    Raises:
        AssertionError: the scorer violates the contract; the message says how.
    """
    restored = reload(scorer) if reload else scorer
    for symbols in sequences:
        whole = scorer.surprisals(symbols)
        _require(
            all(math.isfinite(bits) for bits in whole),
            f"surprisals of {list(symbols)} are not finite",
        )
        _require(
            whole == scorer.surprisals(symbols),
            f"surprisals of {list(symbols)} differ when called again",
        )
        _require(
            whole == restored.surprisals(symbols),
            f"surprisals of {list(symbols)} differ after loading",
        )
        current, previous = scorer.fresh(), scorer.start
        for index, symbol in enumerate(symbols):
            likely = scorer.predictive(current, previous)
            _require(likely.shape == (n_symbols,), f"the predictive has shape {likely.shape}")
            _require(
                abs(float(likely.sum()) - 1.0) < _TOLERANCE, "the predictive does not sum to one"
            )
            kept = current.copy()
            after, bits = scorer.step(current, previous, symbol)
            _require(np.array_equal(kept, current), "a step changes the filter that it was given")
            _require(
                abs(bits - whole[index]) < _TOLERANCE,
                f"step {index} of {list(symbols)} differs from the whole sequence's",
            )
            _require(
                abs(bits + math.log2(likely[symbol])) < _TOLERANCE,
                "a step contradicts the predictive",
            )
            current, previous = after, symbol


def check_judge(judge: J, values: Floats, *, reload: Callable[[J], J] | None = None) -> None:
    """Check that a judge fulfils its contract.

    Its contributions are finite for any evidence, deterministic and unchanged by loading, and they
    add up to the ratio.

    Args:
        judge: the judge over T terms.
        values: (n, T) evidence; rows of missing, zero and extreme values are added.
        reload: a function that saves and loads a judge, if it can be saved.

    Raises:
        AssertionError: the judge violates the contract; the message says how.
    """
    restored = reload(judge) if reload else judge
    terms = values.shape[1]
    corners = [np.full(terms, value) for value in (math.nan, 0.0, 1e300, -1e300)]
    for row in [*values, *corners]:
        kept, contributions, ratio = row.copy(), judge.contributions(row), judge.ratio_bits(row)
        _require(contributions.shape == (terms,), f"contributions have shape {contributions.shape}")
        _require(bool(np.isfinite(contributions).all()), "a contribution is not finite")
        _require(
            np.array_equal(row, kept, equal_nan=True),
            "the judge changes the evidence that it was given",
        )
        _require(
            np.array_equal(contributions, judge.contributions(row)),
            "contributions differ when called again",
        )
        _require(
            np.array_equal(contributions, restored.contributions(row)),
            "contributions differ after loading",
        )
        _require(ratio == restored.ratio_bits(row), "ratios differ after loading")
        added = judge.offset_bits + float(contributions.sum())
        _require(abs(ratio - added) < _TOLERANCE, "contributions do not add up to the ratio")


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise AssertionError(sentence)


def _same(first: float, second: float) -> bool:
    return first == second or (math.isnan(first) and math.isnan(second))


def _renamed(moment: Moment) -> Moment:
    """Return the moment with other ids, in a household with more events."""
    event, household = moment.event, moment.household
    return replace(
        moment,
        event=replace(
            event, event_id="other", household_id="other", device_id="other", session_id="other"
        ),
        session=replace(moment.session, session_id="other", device_id="other"),
        household=replace(
            household, household_id="other", events=household.events + 1000, recent=()
        ),
    )


def _a_year_later(moment: Moment) -> Moment:
    """Return the moment shifted by a whole number of weeks."""
    seconds = _WEEKS.total_seconds()

    return replace(
        moment,
        event=replace(moment.event, time=moment.event.time + _WEEKS),
        session=replace(moment.session, seconds=moment.session.seconds + seconds),
    )
