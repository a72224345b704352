from __future__ import annotations

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.wire.state.marks import (
    MAX_MARKS,
    UNKNOWN,
    Mark,
    earlier_topic,
    is_applied,
    merged,
    partition_of,
    short_id,
    with_mark,
)

IDS = st.sampled_from(["11111111", "22222222"])
RECORDS = st.builds(Mark, IDS, st.integers(0, MAX_MARKS - 1), st.integers(0, 50))


def test_a_record_is_applied_where_topic_partition_and_offset_say_so() -> None:
    marks = (Mark("11111111", 1, 57),)
    assert is_applied(marks, Mark("11111111", 1, 57))
    assert is_applied(marks, Mark("11111111", 1, 3))
    assert not is_applied(marks, Mark("11111111", 1, 58))
    assert not is_applied(marks, Mark("11111111", 5, 3))
    assert not is_applied(marks, Mark("22222222", 1, 3))


def test_what_cannot_be_told_is_not_applied() -> None:
    assert not is_applied((Mark(UNKNOWN, 1, 57),), Mark(UNKNOWN, 1, 3))
    assert not is_applied((), Mark("11111111", 0, 0))


@given(st.lists(RECORDS))
def test_a_record_is_applied_once_it_was_taken_in_and_its_topic_is_the_same(
    records: list[Mark],
) -> None:
    marks: tuple[Mark, ...] = ()
    for record in records:
        marks = marks if is_applied(marks, record) else with_mark(marks, record)
    assert len(marks) <= MAX_MARKS
    for record in records:
        if record.topic_id == marks[-1].topic_id and not any(
            other.topic_id != record.topic_id for other in records[records.index(record) :]
        ):
            assert is_applied(marks, record)


def test_the_partitions_that_a_household_stood_in_are_remembered_and_an_earlier_topic_is_not() -> (
    None
):
    grown = with_mark((Mark("11111111", 1, 57),), Mark("11111111", 5, 0))
    assert grown == (Mark("11111111", 1, 57), Mark("11111111", 5, 0))
    assert with_mark(grown, Mark("22222222", 1, 0)) == (Mark("22222222", 1, 0),)


def test_a_topic_that_was_created_again_is_told_by_its_id() -> None:
    marks = (Mark("11111111", 1, 57),)
    assert earlier_topic(marks, Mark("22222222", 1, 0))
    assert not earlier_topic(marks, Mark("11111111", 5, 0))
    assert not earlier_topic((), Mark("22222222", 1, 0))
    assert not earlier_topic((Mark(UNKNOWN, 1, 57),), Mark("22222222", 1, 0))


def test_of_two_states_both_know_what_either_knew() -> None:
    one, other = (Mark("11111111", 1, 57),), (Mark("11111111", 5, 3),)
    both = merged(one, other)
    assert all(is_applied(both, mark) for mark in (*one, *other))
    assert merged((), other) == other
    assert merged(one, ()) == one
    assert merged((Mark("22222222", 1, 9),), other) == other


def test_ids_are_short_and_a_topic_without_one_has_none() -> None:
    assert len(short_id("01a224e1-d479-7b92-997b-d9bb70f7f20d")) == 8
    assert short_id("00000000-0000-0000-0000-000000000000") == UNKNOWN
    assert short_id(None) == UNKNOWN


@given(st.binary(min_size=1, max_size=40), st.integers(1, 64))
def test_a_household_belongs_where_kafkas_clients_put_it(key: bytes, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, numbers, numbers)
