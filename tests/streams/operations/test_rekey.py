from __future__ import annotations

from dataclasses import replace

from detector.household.state import HouseholdState
from streams.kafka.reading import Place, TopicRecord
from streams.kafka.topics import HOUSEHOLDS
from streams.operations.rekey import Move, States, merge_states
from streams.wire.state.marks import Mark, partition_of
from streams.wire.state.packing import Stored, pack, unpack

NAME = next(
    f"h{n}"
    for n in range(100)
    if partition_of(f"h{n}".encode(), 8) != partition_of(f"h{n}".encode(), 4)
)
KEY = NAME.encode()
OLD, HOME = partition_of(KEY, 4), partition_of(KEY, 8)


def stored(learned: int, *, erased: float | None = None, partition: int = 0) -> Stored:
    state = replace(HouseholdState.new(NAME), learned=learned)
    return Stored(state=state, intents=(Mark("11111111", partition, 9),), erased=erased)


def held(partition: int, value: bytes | None, offset: int = 0) -> TopicRecord:
    return TopicRecord(Place(HOUSEHOLDS, partition, offset), 0.0, KEY, value)


def test_a_household_moves_to_its_own_partition_once() -> None:
    value = pack(stored(3))
    records = [held(OLD, value)]
    assert States().take(records).moves(4) == []
    assert States().take(records).moves(8) == [Move(KEY, HOME, value, there=False, leaves=(OLD,))]

    records.append(held(HOME, value))  # the run is interrupted here
    assert States().take(records).moves(8) == [Move(KEY, HOME, value, there=True, leaves=(OLD,))]

    records.append(held(OLD, None, 1))
    assert States().take(records).moves(8) == []


def test_merging_keeps_the_state_that_learned_more_and_the_positions_of_both() -> None:
    old, new = stored(9, partition=OLD), stored(1, partition=HOME)
    (move,) = States().take([held(OLD, pack(old)), held(HOME, pack(new))]).moves(8)
    assert unpack(move.value).state.learned == 9
    assert set(unpack(move.value).intents) == {*old.intents, *new.intents}
    assert not move.there


def test_merging_does_not_restore_what_was_erased() -> None:
    erased_later = stored(0, erased=100.0)
    assert merge_states(stored(9), erased_later).state.learned == 0
    assert merge_states(erased_later, stored(9)).state.learned == 0
    assert merge_states(stored(9, erased=50.0), erased_later).erased == 100.0
    assert merge_states(stored(9, erased=100.0), erased_later).state.learned == 9
