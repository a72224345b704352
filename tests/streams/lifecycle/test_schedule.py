from __future__ import annotations

from collections.abc import Sequence

import pytest

from detector.decision.canary import in_canary
from streams.lifecycle.schedule import chosen, holding, is_mark_of
from streams.wire.announcements import Announcement
from tests.streams.lifecycle.announcements import TOPIC, announcement

NAMES = [f"home{number}" for number in range(200)]
INSIDE = next(name for name in NAMES if in_canary(name, 0.2))
OUTSIDE = next(name for name in NAMES if not in_canary(name, 0.2))


def decides(
    announcements: Sequence[Announcement],
    offset: int,
    household: str = OUTSIDE,
    *,
    partition: int = 0,
    topic_id: str = TOPIC,
    marks: dict[tuple[int, int], int] | None = None,
    unusable: frozenset[int] = frozenset(),
) -> int:
    """Return the number of the announcement that decides; 0 for the worker's own bundle."""
    held = holding(announcements, partition, offset, topic_id=topic_id, marks=marks or {})
    found = chosen(held, household, lambda each: each.number not in unusable)
    return 0 if found is None else found.number


TWO = (announcement(1, "a"), announcement(2, "b"))


@pytest.mark.parametrize(
    ("offset", "number"), [(0, 0), (99, 0), (100, 1), (199, 1), (200, 2), (10**9, 2)]
)
def test_an_announcement_holds_from_its_mark_on(offset: int, number: int) -> None:
    assert decides(TWO, offset) == number


def test_each_partition_has_its_own_offset() -> None:
    found = announcement(1, "a", since=(5, 50, 500, 5_000))

    assert [decides([found], 50, partition=place) for place in range(4)] == [1, 1, 0, 0]


def test_an_unfinished_announcement_holds_from_the_mark_that_was_read() -> None:
    unfinished = (TWO[0], announcement(2, "b", since=None))

    assert decides(unfinished, 900) == 1
    assert decides(unfinished, 900, marks={(2, 0): 901}) == 1
    assert decides(unfinished, 901, marks={(2, 0): 901}) == 2
    assert decides(unfinished, 901, marks={(2, 1): 901}) == 1


def test_a_canary_decides_for_its_households_alone() -> None:
    canary = (*TWO, announcement(3, "c", canary=0.2))

    assert (decides(canary, 300, INSIDE), decides(canary, 300, OUTSIDE)) == (3, 2)
    assert decides(canary, 299, INSIDE) == 2


def test_a_later_announcement_ends_a_canary() -> None:
    steps = (
        announcement(1, "a"),
        announcement(2, "b", canary=0.2),
        announcement(3, "c", canary=0.01),
    )
    name = next(each for each in NAMES if in_canary(each, 0.2) and not in_canary(each, 0.01))

    assert (decides(steps, 250, name), decides(steps, 300, name)) == (2, 1)


def test_a_bundle_that_cannot_be_used_leaves_the_one_before() -> None:
    assert decides(TWO, 200, unusable=frozenset({2})) == 1
    assert decides(TWO, 200, unusable=frozenset({1, 2})) == 0
    canary = (*TWO, announcement(3, "c", canary=0.2))
    assert decides(canary, 300, INSIDE, unusable=frozenset({3})) == 2


def test_offsets_of_an_earlier_topic_of_that_name_mean_nothing() -> None:
    assert decides(TWO, 0, topic_id="22222222") == 2
    assert decides(TWO, 0, topic_id="") == 0


def test_an_added_partition_begins_with_the_latest_announcement() -> None:
    assert decides(TWO, 0, partition=4) == 2


def test_a_mark_before_the_announcement_is_not_its_own() -> None:
    found = announcement(1, "a", floor=(10, 0, 0, 0))

    assert [is_mark_of(found, 0, offset) for offset in (9, 10)] == [False, True]
    assert is_mark_of(found, 4, 0)
