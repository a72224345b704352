from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.contracts.errors import NotEnoughData
from detector.sequence.one_class import CLONES, fit_sequences
from detector.sequence.statistics import STATISTICS

NORMAL = [("open", "read", "read", "close")] * 40 + [("open", "write", "close")] * 40
DETECTOR = fit_sequences(NORMAL)
SYMBOLS = st.lists(st.sampled_from(["open", "read", "write", "close", "unheard"]), max_size=8).map(
    tuple
)


def walks(count: int, seed: int, *, backwards: bool = False) -> list[tuple[str, ...]]:
    """Return walks on a ring of ten symbols that mostly go forward."""
    rng = np.random.default_rng(seed)
    steps = [1, 1, 1, 2, 3, 7]
    sign = -1 if backwards else 1
    return [
        tuple(f"s{place}" for place in np.cumsum(sign * rng.choice(steps, size)) % 10)
        for size in rng.integers(10, 40, count)
    ]


def test_the_same_sequences_and_seed_give_the_same_scores() -> None:
    again = fit_sequences(NORMAL)
    assert again.clones == DETECTOR.clones
    np.testing.assert_array_equal(again.scores(NORMAL), DETECTOR.scores(NORMAL))


def test_the_selected_number_of_clones_is_a_candidate() -> None:
    assert DETECTOR.clones in CLONES
    assert len(DETECTOR.statistics.models) == len({1, DETECTOR.clones})


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
    assert DETECTOR.score(odd) > DETECTOR.scores(NORMAL).max()


@given(SYMBOLS)
def test_every_sequence_has_a_finite_score(sequence: tuple[str, ...]) -> None:
    assert 0.0 <= DETECTOR.score(sequence) <= 100.0


def test_the_names_of_the_symbols_do_not_matter() -> None:
    normal, tested = walks(40, seed=1), walks(10, seed=2)

    def renamed(sequences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        return [tuple(f"{9 - int(symbol[1:])}" for symbol in one) for one in sequences]

    scores = fit_sequences(normal).scores(tested)
    again = fit_sequences(renamed(normal)).scores(renamed(tested))
    np.testing.assert_array_equal(scores, again)


def test_p_values_of_further_normal_sequences_are_uniform() -> None:
    detector = fit_sequences(walks(300, seed=3))
    scores = detector.scores(walks(400, seed=4))
    for share in (0.05, 0.1, 0.25, 0.5):
        # Three standard deviations for 400 tested and 90 held-out sequences.
        tolerance = 3.0 * math.sqrt(share * (1.0 - share) * (1 / 400 + 1 / 90))
        assert (scores > detector.threshold(share)).mean() == pytest.approx(share, abs=tolerance)


def test_sequences_in_another_direction_are_found() -> None:
    detector = fit_sequences(walks(60, seed=5))
    scores = detector.scores(walks(20, seed=6, backwards=True))
    assert (scores > detector.threshold(0.01)).all()


def test_each_statistic_has_a_surprise() -> None:
    surprises = DETECTOR.surprises([NORMAL[0], ("close",)])
    assert surprises.shape == (2, len(STATISTICS))
    assert (surprises[1] > surprises[0]).all()
    np.testing.assert_array_equal(
        DETECTOR.combine(surprises), DETECTOR.scores([NORMAL[0], ("close",)])
    )


def test_scores_keep_the_order_and_progress_reaches_the_total() -> None:
    stages: list[tuple[str, int, int]] = []
    wanted = [NORMAL[0], ("unheard",), NORMAL[0]]
    scores = DETECTOR.scores(wanted, lambda *stage: stages.append(stage))
    assert scores.tolist() == pytest.approx([DETECTOR.score(sequence) for sequence in wanted])
    assert stages[-1] == ("scoring sequences", 2, 2)


def test_the_threshold_is_a_p_value() -> None:
    assert DETECTOR.threshold(1.0) == 0.0
    assert DETECTOR.threshold(0.25) == 2.0


def test_too_few_sequences_are_rejected() -> None:
    with pytest.raises(NotEnoughData, match="at least 10"):
        fit_sequences(NORMAL[:9])
