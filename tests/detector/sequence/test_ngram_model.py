from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.sequence.ngram_model import NgramModel
from detector.sequence.statistics import number_symbols, numbers

N_SYMBOLS = 4
SEQUENCES = st.lists(st.lists(st.integers(0, N_SYMBOLS - 2), min_size=1), min_size=1, max_size=5)


def flat(sequences: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate(sequences), np.array([len(one) for one in sequences])


def fit(sequences: list[list[int]], order: int) -> NgramModel:
    return NgramModel.fit(*flat(sequences), n_symbols=N_SYMBOLS, order=order)


def by_definition(learned: list[list[int]], sequence: list[int], place: int, order: int) -> float:
    """Return the probability of the symbol at a place, from Witten and Bell's formula."""

    def context(of: list[int], end: int, length: int) -> tuple[int, ...]:
        return tuple([-1] * length + of[:end])[-length:] if length else ()

    likely = 1.0 / N_SYMBOLS
    for length in range(order):
        here = context(sequence, place, length)
        after = [
            one[end]
            for one in learned
            for end in range(len(one))
            if context(one, end, length) == here
        ]
        if after:
            kinds = len(set(after))
            likely = (after.count(sequence[place]) + kinds * likely) / (len(after) + kinds)
    return likely


@given(SEQUENCES, SEQUENCES, st.integers(1, 4))
def test_the_probabilities_are_those_of_the_definition(
    learned: list[list[int]], scored: list[list[int]], order: int
) -> None:
    bits = fit(learned, order).surprisals(*flat(scored))
    wanted = [
        by_definition(learned, one, place, order) for one in scored for place in range(len(one))
    ]
    np.testing.assert_allclose(2.0**-bits, wanted)


@given(SEQUENCES, st.lists(st.integers(0, N_SYMBOLS - 1), max_size=5), st.integers(1, 4))
def test_the_probabilities_of_the_next_symbol_add_up_to_one(
    learned: list[list[int]], before: list[int], order: int
) -> None:
    endings = [[*before, symbol] for symbol in range(N_SYMBOLS)]
    bits = fit(learned, order).surprisals(*flat(endings))
    assert (2.0 ** -bits[len(before) :: len(before) + 1]).sum() == pytest.approx(1.0)


def test_a_bigram_worked_by_hand() -> None:
    model = NgramModel.fit(*flat([[0, 1]]), n_symbols=3, order=2)
    # Uniform: 1/3. Unigram: (1 + 2/3) / 4. After 0: one 1, of one kind.
    unigram = (1 + 2 / 3) / 4
    assert 2.0 ** -model.surprisals(*flat([[0, 1]]))[1] == pytest.approx((1 + unigram) / 2)


def test_longer_ngrams_remember_more() -> None:
    learned = [[0, 1, 0], [2, 1, 2]] * 9
    bigram, trigram = (fit(learned, order).surprisals(*flat([[0, 1, 0]]))[-1] for order in (2, 3))
    assert trigram < bigram


def test_symbols_are_numbered_by_first_occurrence() -> None:
    symbols = number_symbols([("b", "a"), ("b", "c")])
    assert symbols == {"b": 0, "a": 1, "c": 2}
    numbered, sizes = numbers([("c", "new"), ()], symbols)
    # 3 is the end of a sequence, and 4 an unseen symbol.
    assert numbered.tolist() == [2, 4, 3, 3]
    assert sizes.tolist() == [3, 1]
