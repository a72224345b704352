from __future__ import annotations

import pytest

from detector.decision.canary import in_canary

NAMES = [f"household-{number}" for number in range(20_000)]

#: The households of the first 60 that a canary of 5 % covers.
CANARIES = ["household-5"]


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5])
def test_a_canary_covers_its_share(share: float) -> None:
    assert sum(in_canary(name, share) for name in NAMES) == pytest.approx(
        share * len(NAMES), rel=0.15
    )


def test_a_larger_canary_covers_every_household_of_a_smaller_one() -> None:
    small = {name for name in NAMES if in_canary(name, 0.05)}

    assert small < {name for name in NAMES if in_canary(name, 0.2)}


def test_the_bounds_cover_no_household_and_every_household() -> None:
    assert not any(in_canary(name, 0.0) for name in NAMES)
    assert all(in_canary(name, 1.0) for name in NAMES)


def test_a_household_has_one_place_for_ever() -> None:
    """A change would move households between bundles in the middle of a canary."""
    assert [name for name in NAMES[:60] if in_canary(name, 0.05)] == CANARIES
