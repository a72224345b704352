from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.decisions import Verdict
from detector.evaluation.costs import WAYS, cost_per_thousand
from detector.evaluation.curves import KindRecall, cost_curve, kind_recall, recall_at, roc
from tests.detector.builders import policy
from tests.detector.evaluation.test_reliability import MEANT

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=50)
RATES = (0.001, 0.01, 0.05)


@given(SCORES, SCORES, st.sampled_from(RATES))
def test_recall_is_measured_at_no_more_than_the_given_rate(
    meant: list[float], misfires: list[float], rate: float
) -> None:
    scores: npt.NDArray[np.float64] = np.array([*meant, *misfires])
    truth = np.array([False] * len(meant) + [True] * len(misfires))
    found = recall_at(rate, scores, truth)
    # Some threshold stops this share of misfires within the rate of meant commands.
    caught = sorted(misfires, reverse=True)[: round(found * len(misfires))]
    if caught:
        assert sum(score >= caught[-1] for score in meant) <= rate * len(meant)
    # No threshold within the rate stops more.
    missed = sorted(misfires, reverse=True)[round(found * len(misfires)) :]
    if missed:
        assert sum(score >= missed[0] for score in meant) > rate * len(meant)


@given(SCORES, SCORES)
def test_a_roc_curve_rises_to_full_recall(meant: list[float], misfires: list[float]) -> None:
    scores: npt.NDArray[np.float64] = np.array([*meant, *misfires])
    truth = np.array([False] * len(meant) + [True] * len(misfires))
    rates, recalls = zip(*roc(scores, truth), strict=True)
    assert (rates[0], rates[-1], recalls[-1]) == (0.0001, 1.0, 1.0)
    assert list(rates) == sorted(rates)
    assert list(recalls) == sorted(recalls)


def test_every_kind_is_compared_with_the_same_meant_commands() -> None:
    scores = np.array([0.9, 0.8, 0.1, 0.5, 0.2])
    truth = np.array([True, True, True, False, False])
    found = kind_recall((0.01,), scores, truth, ["game", "spliced", "spliced", "", ""])
    assert found == {"game": KindRecall(1, {"0.01": 1.0}), "spliced": KindRecall(2, {"0.01": 0.5})}


def test_the_cost_curve_contains_the_cost_at_the_policys_base_rate() -> None:
    rules = policy()
    decisions = [
        replace(MEANT, verdict=verdict) for verdict in (Verdict.ALLOW, Verdict.CONFIRM)
    ] * 2
    truth = np.array([False, False, True, True])
    curves = cost_curve(decisions, truth, rules, WAYS)
    wanted = cost_per_thousand(decisions, truth, rules)
    for way, curve in curves.items():
        assert dict(curve)[rules.base_rate] == pytest.approx(wanted[way])
    assert curves["always allow"][0][1] < curves["always allow"][-1][1]
