"""The fast paths of decayed counts give the same bits as their definition."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detector.household.decayed_uses import (
    FORGOTTEN,
    add_uses,
    strength,
    strengths,
    total_strength,
)
from detector.household.state import Usage

SESSION = 900
KEYS = st.sampled_from("abcdefghij")
#: A use counts at least one when it is learned; only its age makes it count less.
USES = st.builds(
    lambda hundredths, session: Usage(count=hundredths / 100, session=session),
    st.integers(100, 5_000),
    st.integers(0, SESSION + 2) | st.integers(SESSION - 240, SESSION),
)
USAGES = st.dictionaries(KEYS, USES).map(
    lambda found: dict(sorted(found.items(), key=lambda each: (-each[1].session, each[0])))
)


@given(USAGES, st.sets(KEYS), st.integers(1, 12))
def test_added_uses_come_first_and_what_is_forgotten_is_left_out(
    usages: dict[str, Usage], keys: set[str], limit: int
) -> None:
    after = add_uses(usages, keys, SESSION, limit)
    kept = [key for key, use in usages.items() if strength(use, SESSION) >= FORGOTTEN]
    assert list(after) == [*sorted(keys), *(key for key in kept if key not in keys)][:limit]
    for key, usage in after.items():
        count = round(strength(usages.get(key), SESSION) + 1.0, 2)
        assert usage == (Usage(count=count, session=SESSION) if key in keys else usages[key])


@given(USAGES, st.floats(0.0, 2.0))
def test_strengths_of_many_equal_those_of_one(usages: dict[str, Usage], discount: float) -> None:
    single = [strength(usage, SESSION) for usage in usages.values()]
    assert strengths(usages.values(), SESSION) == single
    total = beyond = 0.0
    for each in single:
        total += each
        beyond += each - discount if each > discount else 0.0
    assert total_strength(usages.values(), SESSION, discount=discount) == (total, beyond)
