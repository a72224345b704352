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


def test_topic_partition_and_offset_decide_whether_a_record_is_applied() -> None:
    marks = (Mark("11111111", 1, 57),)
    assert is_applied(marks, Mark("11111111", 1, 57))
    assert is_applied(marks, Mark("11111111", 1, 3))
    assert not is_applied(marks, Mark("11111111", 1, 58))
    assert not is_applied(marks, Mark("11111111", 5, 3))
    assert not is_applied(marks, Mark("22222222", 1, 3))


def test_an_unknown_record_is_not_applied() -> None:
    assert not is_applied((Mark(UNKNOWN, 1, 57),), Mark(UNKNOWN, 1, 3))
    assert not is_applied((), Mark("11111111", 0, 0))


@given(st.lists(RECORDS))
def test_a_record_is_applied_from_its_mark_on_while_the_topic_stays_the_same(
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


def test_marks_keep_former_partitions_and_drop_an_earlier_topic() -> None:
    grown = with_mark((Mark("11111111", 1, 57),), Mark("11111111", 5, 0))
    assert grown == (Mark("11111111", 1, 57), Mark("11111111", 5, 0))
    assert with_mark(grown, Mark("22222222", 1, 0)) == (Mark("22222222", 1, 0),)


def test_a_recreated_topic_is_recognised_by_its_id() -> None:
    marks = (Mark("11111111", 1, 57),)
    assert earlier_topic(marks, Mark("22222222", 1, 0))
    assert not earlier_topic(marks, Mark("11111111", 5, 0))
    assert not earlier_topic((), Mark("22222222", 1, 0))
    assert not earlier_topic((Mark(UNKNOWN, 1, 57),), Mark("22222222", 1, 0))


def test_merged_marks_contain_those_of_both_states() -> None:
    one, other = (Mark("11111111", 1, 57),), (Mark("11111111", 5, 3),)
    both = merged(one, other)
    assert all(is_applied(both, mark) for mark in (*one, *other))
    assert merged((), other) == other
    assert merged(one, ()) == one
    assert merged((Mark("22222222", 1, 9),), other) == other


def test_a_topic_id_is_shortened_to_eight_characters() -> None:
    assert len(short_id("01a224e1-d479-7b92-997b-d9bb70f7f20d")) == 8
    assert short_id("00000000-0000-0000-0000-000000000000") == UNKNOWN
    assert short_id(None) == UNKNOWN


@given(st.binary(min_size=1, max_size=40), st.integers(1, 64))
def test_the_partition_of_a_key_is_that_of_kafkas_clients(key: bytes, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, numbers, numbers)
