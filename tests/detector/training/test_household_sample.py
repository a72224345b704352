from __future__ import annotations

from itertools import permutations

from detector.training.household_sample import HouseholdSample

NAMES = [f"h{number}" for number in range(6)]


def sampled(events: list[str], *, households: int = 100, most: int = 100) -> dict[str, list[int]]:
    """Add the number of each event to its household, and return the sample."""
    sample = HouseholdSample[int](households, most)
    for number, name in enumerate(events):
        rank = sample.rank(name)
        if sample.wants(rank):
            sample.add(name, rank, number)
    assert sample.size == sum(len(found) for _, found in sample.households())
    return dict(sample.households())


def test_without_a_bound_everything_is_kept_in_order() -> None:
    assert sampled(["h1", "h2", "h1"]) == {"h1": [0, 2], "h2": [1]}


def test_the_same_households_are_kept_in_whatever_order_they_come() -> None:
    found = {frozenset(sampled(list(order), households=3)) for order in permutations(NAMES)}
    assert len(found) == 1
    assert len(found.pop()) == 3


def test_the_number_of_events_is_bounded_by_leaving_out_households() -> None:
    events = NAMES * 10
    found = sampled(events, most=35)
    assert {len(each) for each in found.values()} == {10}
    assert len(found) == 3
    assert found.keys() == sampled(events, households=3).keys()
    assert len(sampled(["h1"] * 50, most=10)["h1"]) == 50


def test_another_seed_selects_other_households() -> None:
    ranks = [
        [HouseholdSample[int](1, 1, seed=seed).rank(name) for name in NAMES] for seed in (0, 1)
    ]
    assert ranks[0] != ranks[1]


def test_an_erased_household_leaves_and_can_come_back() -> None:
    sample = HouseholdSample[int](2, 100)
    for number in (1, 2):
        sample.add("h1", sample.rank("h1"), number)
    assert sample.forget("h1") == 2
    assert sample.forget("h2") == 0
    assert dict(sample.households()) == {}
    sample.add("h1", sample.rank("h1"), 3)
    assert dict(sample.households()) == {"h1": [3]}
    assert sample.size == 1
