"""The conformance checks accept correct objects and name the fault of broken ones."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from detector.decision.bundle import bundle_from_files, bundle_to_files
from detector.evidence import TERMS, Moment, Term, evidence
from detector.evidence.conformance import check_judge, check_scorer, check_term
from detector.evidence.sentences import always
from detector.judge.judge import Judge
from detector.sequence.sequence_model import SequenceModel
from tests.detector.builders import SURE, hand_bundle, hand_judge, small_model
from tests.detector.moments import every_moment, send

Floats = npt.NDArray[np.float64]

GOOD = Term(
    "turns",
    "events",
    "length of the chain",
    always("it took {value:.0f} turn{s}"),
    lambda m: float(m.chain.start),
)
CALLS: Counter[str] = Counter()


def with_value(value: Callable[[Moment], Any]) -> Term:
    return replace(GOOD, value=value)


def another_every_time(moment: Moment) -> float:
    CALLS[moment.event.event_id] += 1
    return float(CALLS.total())


def modifying(moment: Moment) -> float:
    moment.chain.slots["contact"] = "k1_other"
    return 1.0


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (replace(GOOD, name="Turns!"), "not snake_case"),
        (replace(GOOD, unit=""), "lacks a unit"),
        (replace(GOOD, meaning=""), "lacks a unit or a meaning"),
        (replace(GOOD, sentences=always("it ends.")), "full stop"),
        (with_value(lambda _: None), "gives NoneType, not a number"),
        (with_value(lambda _: float("inf")), "is infinite"),
        (with_value(another_every_time), "another value when called again"),
        (with_value(modifying), "modifies the moment"),
        (with_value(lambda moment: float(len(moment.household.household_id))), "depends on an id"),
        (with_value(lambda moment: float(moment.household.events)), "depends on an id"),
        (with_value(lambda moment: moment.event.seconds), "depends on the date"),
    ],
)
def test_the_fault_of_a_broken_term_is_named(term: Term, message: str) -> None:
    check_term(GOOD, [send(SURE)])
    with pytest.raises(AssertionError, match=message):
        check_term(term, [send(SURE)])


def reloaded(model: SequenceModel) -> SequenceModel:
    bundle = hand_bundle(model=replace(small_model(), sequence=model))
    return bundle_from_files(bundle_to_files(bundle)).model.sequence


def test_the_sequence_model_passes() -> None:
    model, n_symbols = small_model().sequence, small_model().vocabulary.size
    rng = np.random.default_rng(0)
    sequences: list[list[int]] = [
        rng.integers(0, n_symbols, size).tolist() for size in (0, 1, 2, 5, 30)
    ]
    check_scorer(model, [*sequences, [n_symbols - 1] * 5], n_symbols=n_symbols, reload=reloaded)


def test_the_judge_passes() -> None:
    def again(judge: Judge) -> Judge:
        return bundle_from_files(bundle_to_files(hand_bundle(judge=judge))).judge

    check_judge(
        hand_judge(), np.array([evidence(moment) for moment in every_moment()]), reload=again
    )


class Broken:
    """The small model with one method replaced."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        self.model, self.methods = small_model().sequence, methods
        self.start = self.model.start

    def _call(self, name: str, *arguments: Any) -> Any:
        return self.methods.get(name, getattr(self.model, name))(*arguments)

    def fresh(self) -> Floats:
        return self.model.fresh().copy()  # the model's own is read-only

    def step(self, current: Floats, previous: int, symbol: int) -> tuple[Floats, float]:
        return self._call("step", current, previous, symbol)  # type: ignore[no-any-return]

    def surprisals(self, symbols: Iterable[int]) -> list[float]:
        return self._call("surprisals", symbols)  # type: ignore[no-any-return]

    def predictive(self, current: Floats, previous: int) -> Floats:
        return self._call("predictive", current, previous)  # type: ignore[no-any-return]


MODEL = small_model().sequence
DRAWS = np.random.default_rng(0)


def greedy(current: Floats, previous: int, symbol: int) -> tuple[Floats, float]:
    found = MODEL.step(current, previous, symbol)
    current[:] = found[0]
    return found


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Broken(surprisals=lambda s: [float("inf")] * len(s)), "not finite"),
        (Broken(surprisals=lambda s: DRAWS.random(len(s)).tolist()), "differ when called again"),
        (Broken(surprisals=lambda s: [1.0] * len(s)), "differs from the whole sequence's"),
        (Broken(predictive=lambda *a: MODEL.predictive(*a)[:-1]), "the predictive has shape"),
        (Broken(predictive=lambda *a: MODEL.predictive(*a) * 0.9), "does not sum to one"),
        (Broken(predictive=lambda *a: MODEL.predictive(*a)[::-1]), "contradicts the predictive"),
        (Broken(step=greedy), "changes the filter"),
    ],
)
def test_the_fault_of_a_broken_scorer_is_named(broken: Broken, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_scorer(broken, [[0, 1, 2]], n_symbols=small_model().vocabulary.size)


def test_a_scorer_changed_by_loading_fails() -> None:
    other = Broken(surprisals=lambda s: [1.0] * len(s))
    with pytest.raises(AssertionError, match="after loading"):
        check_scorer(
            Broken(), [[0, 1]], n_symbols=small_model().vocabulary.size, reload=lambda _: other
        )


def test_the_fault_of_a_broken_judge_is_named() -> None:
    judge = hand_judge()
    worse = replace(judge, bits=np.full_like(judge.bits, np.nan))
    with pytest.raises(AssertionError, match="not finite"):
        check_judge(worse, np.zeros((1, len(TERMS))))


def test_a_judge_changed_by_loading_fails() -> None:
    judge = hand_judge()
    with pytest.raises(AssertionError, match="after loading"):
        check_judge(
            judge, np.zeros((1, len(TERMS))), reload=lambda one: replace(one, bits=one.bits * 2)
        )
