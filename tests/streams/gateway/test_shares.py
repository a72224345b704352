from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.admission import SHARES
from streams.gateway.shares import HOUSEHOLD_SHARE, FairCache, Places

LEAST = min(SHARES.values())


def fill(places: Places, tenant: str, *, most: float = 1.0, household: str | None = None) -> int:
    """Take all places that one tenant gets; return how many there were."""
    before = places.taken
    while places.admits(tenant, household or f"{tenant}-{places.taken}", most):
        places.take(tenant, household or f"{tenant}-{places.taken}")
    return places.taken - before


def test_a_single_tenant_leaves_a_place_for_every_class_of_the_next() -> None:
    places = Places(512)

    assert fill(places, "acme") == 410
    assert places.admits("bolt", "b1", LEAST)
    assert fill(places, "bolt") == 82
    assert places.admits("corp", "c1", LEAST)


@given(st.lists(st.sampled_from(["acme", "bolt"]), max_size=6), st.integers(32, 600))
def test_two_tenants_leave_a_place_for_a_third(order: list[str], size: int) -> None:
    places = Places(size)
    for tenant in order:
        fill(places, tenant)
    assert places.admits("corp", "c1", LEAST)


def test_released_places_are_shared_again() -> None:
    places = Places(100)
    fill(places, "acme", household="a1")
    taken = places.taken
    for _ in range(taken):
        places.leave("acme", "a1")
    assert (places.taken, places._tenants, places._households) == (0, {}, {})
    assert fill(places, "acme", household="a1") == taken


def test_without_tenants_a_household_takes_at_most_its_share() -> None:
    places = Places(400)
    assert fill(places, "", household="h1") == 400 * HOUSEHOLD_SHARE
    assert fill(places, "") == 300
    assert not places.admits("", "h9")


def test_a_household_always_has_a_handful_of_places() -> None:
    assert fill(Places(16), "", household="h1") == 8
    assert fill(Places(2), "", household="h1") == 2
    assert not Places(0).admits("acme", "h1")


def flood(kept: FairCache[int], tenant: str, households: int, each: int) -> None:
    for number in range(each):
        for home in range(households):
            kept.put(tenant, f"{tenant}-{home}", f"e{number}", number)


def test_a_flooding_tenant_evicts_its_own_entries() -> None:
    kept: FairCache[int] = FairCache(100, 50)
    flood(kept, "bolt", 10, 2)
    flood(kept, "acme", 50, 40)

    assert len(kept) == 100
    assert all(kept.get(f"bolt-{home}", "e0") == 0 for home in range(10))


def test_a_flooding_household_evicts_its_own_entries() -> None:
    kept: FairCache[int] = FairCache(100, 25)
    flood(kept, "", 10, 2)
    for number in range(1_000):
        kept.put("", "loud", f"e{number}", number)

    assert len(kept) == 45
    assert kept.get("-0", "e0") == 0
    assert kept.get("loud", "e974") is None
    assert kept.get("loud", "e975") == 975


def test_a_full_cache_evicts_from_the_least_recently_written_household() -> None:
    kept: FairCache[int] = FairCache(3, 3)
    for name in ("h1", "h2", "h1", "h3"):
        kept.put("", name, f"e{len(kept)}", len(kept))
    assert [kept.get("h1", "e0"), kept.get("h2", "e1"), kept.get("h1", "e2")] == [0, None, 2]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "pop", "forget", "clear"]),
            st.sampled_from(["a", "b", "c"]),
            st.integers(0, 4),
        ),
        max_size=60,
    )
)
def test_sizes_are_consistent_and_bounded(steps: list[tuple[str, str, int]]) -> None:
    kept: FairCache[int] = FairCache(6, 3)
    for what, home, number in steps:
        if what == "put":
            kept.put(f"t{home}", home, str(number), number)
            assert kept.get(home, str(number)) == number
        elif what == "pop":
            kept.pop(home, str(number))
            assert kept.get(home, str(number)) is None
        elif what == "forget":
            kept.forget(home)
            assert all(kept.get(home, str(each)) is None for each in range(5))
        else:
            kept.clear()
        assert len(kept) == len(list(kept)) <= 6
        assert all(size > 0 for size in kept._sizes.values())
        assert set(kept._households) == {name for homes in kept._tenants.values() for name in homes}


@pytest.mark.parametrize("tenant", ["", "acme"])
def test_a_full_cache_accepts_an_entry_of_another_tenant(tenant: str) -> None:
    kept: FairCache[int] = FairCache(10, 10)
    flood(kept, tenant, 1, 10)
    kept.put("bolt", "b1", "e", 1)
    assert kept.get("b1", "e") == 1
    assert len(kept) == 10
