from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.contracts.errors import InvalidValue, NotEnoughData
from detector.sequence.one_class import CLONES, f1_score, fit_sequences, report_on

NORMAL = [("open", "read", "read", "close")] * 40 + [("open", "write", "close")] * 40
DETECTOR = fit_sequences(NORMAL)
SYMBOLS = st.lists(st.sampled_from(["open", "read", "write", "close", "unheard"]), max_size=8).map(
    tuple
)


def test_the_same_sequences_and_seed_give_the_same_scores() -> None:
    again = fit_sequences(NORMAL)
    assert again.clones == DETECTOR.clones
    np.testing.assert_array_equal(again.usual, DETECTOR.usual)


def test_the_selected_number_of_clones_is_a_candidate() -> None:
    assert DETECTOR.clones in CLONES
    assert len(DETECTOR.models) == len({1, DETECTOR.clones})


@pytest.mark.parametrize(
    "odd",
    [
        ("open", "read", "read"),  # it ends too early
        ("read", "open", "read", "close"),  # in another order
        ("open", "read", "read", "read", "close"),  # once too often
        ("open", "unheard", "close"),
        (),
    ],
)
def test_abnormal_sequences_score_higher(odd: tuple[str, ...]) -> None:
    assert DETECTOR.score(odd) > DETECTOR.usual.max()


def test_counts_of_symbols_are_scored() -> None:
    usual, often = ("open", "read", "read", "close"), ("open", *("read",) * 9, "close")
    assert DETECTOR.count_bits(often) > DETECTOR.count_bits(usual)
    # The detector learns from 64 of 80 sequences, which have no read or two reads, never nine.
    assert DETECTOR.count_bits(often) == -np.log2(0.5 / (64 + 0.5 * 3))


@settings(max_examples=50)
@given(SYMBOLS)
def test_every_sequence_has_a_finite_score(sequence: tuple[str, ...]) -> None:
    assert 0.0 < DETECTOR.score(sequence) < 100.0


def test_the_threshold_is_a_quantile_of_normal_scores() -> None:
    assert DETECTOR.threshold(0.0) == DETECTOR.usual[-1]
    assert DETECTOR.threshold(1.0) == DETECTOR.usual[0]


def test_scores_keep_the_order_and_progress_reaches_the_total() -> None:
    stages: list[tuple[str, int, int]] = []
    wanted = [NORMAL[0], ("unheard",), NORMAL[0]]
    scores = DETECTOR.scores(wanted, lambda *stage: stages.append(stage))
    assert scores.tolist() == [DETECTOR.score(sequence) for sequence in wanted]
    assert stages[-1] == ("scoring sequences", 3, 3)


def test_a_report_worked_by_hand() -> None:
    found = report_on(DETECTOR, np.array([1.0, 2.0, 3.0, 4.0]), [0, 1, 0, 1])
    assert (found.sequences, found.abnormal, found.auroc) == (4, 2, 0.75)
    assert (
        found.false_alarms_at_90 == 0.5
    )  # both abnormal ones are found from 2 on, and so is one normal one


@pytest.mark.parametrize(
    ("labels", "said"), [([0], "one label"), ([0, 0], "the same"), ([1, 1], "the same")]
)
def test_unusable_labels_are_rejected(labels: list[int], said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        report_on(DETECTOR, np.array([1.0, 2.0]), labels)


def test_too_few_sequences_are_rejected() -> None:
    with pytest.raises(NotEnoughData, match="at least 10"):
        fit_sequences(NORMAL[:9])


def test_f1_uses_the_base_rate() -> None:
    # 90 of 100 found, 1 % of 1,000 alarm falsely: precision .9, recall .9.
    assert f1_score(0.9, 0.01, abnormal=100, normal=1000) == pytest.approx(0.9)
