from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.evaluation.masquerade import lift_bits, rates_of, score_blocks
from detector.household.command_counts import DISCOUNT, STRENGTH

COMMANDS = {"ls", "vi", "cc", "mail"}
OTHERS = Counter({"ls": 50, "mail": 50})
BASE = rates_of(OTHERS, COMMANDS)
COUNTS = st.dictionaries(st.sampled_from(sorted(COMMANDS)), st.integers(1, 50), min_size=1).map(
    Counter
)


def test_rates_sum_to_one_and_nothing_is_impossible() -> None:
    assert sum(BASE.values()) == pytest.approx(1.0)
    assert min(BASE.values()) > 0.0


def test_the_predictive_worked_by_hand() -> None:
    own = Counter({"vi": 3, "ls": 1})
    rate = (3 - DISCOUNT + (STRENGTH + 2 * DISCOUNT) * BASE["vi"]) / (4 + STRENGTH)
    assert lift_bits(Counter({"vi": 2}), own, BASE) == pytest.approx(
        math.log2(BASE["vi"]) - math.log2(rate)
    )


@given(COUNTS)
def test_the_users_own_rates_sum_to_one(own: Counter[str]) -> None:
    rates = [BASE[name] * 2.0 ** -lift_bits(Counter({name: 1}), own, BASE) for name in COMMANDS]
    assert sum(rates) == pytest.approx(1.0)


def test_another_users_commands_score_higher() -> None:
    own, others = score_blocks(["vi", "cc"] * 50, [["vi", "cc"] * 5, ["ls", "mail"] * 5], BASE)
    assert own < 2.0 < others


def test_only_blocks_similar_to_the_users_own_are_learned() -> None:
    history = [*["vi", "cc"] * 35, *["vi", "ls"] * 15]
    slowly = [["vi", "ls"] * 5] * 6
    drifting = score_blocks(history, slowly, BASE)
    assert drifting[-1] < drifting[0]
    strangers = score_blocks(history, [["mail"] * 10] * 3, BASE)
    assert strangers[0] == strangers[-1] > 2.0
