"""The fast rounding gives the same bits as ``round``."""

from hypothesis import given
from hypothesis import strategies as st

from detector.household.fast_rounding import round_each

NUMBERS = st.floats(0.0, 1e300) | st.floats(0.0, 2.0)
#: Decimal numbers with one digit too many, half of which lie in the middle or beside it.
MIDDLES = st.integers(0, 10**7).map(lambda number: (10 * number + 5) / 10**7)


@given(st.lists(NUMBERS | MIDDLES), st.integers(0, 12))
def test_it_equals_round(values: list[float], digits: int) -> None:
    assert round_each(values, digits) == [round(value, digits) for value in values]
