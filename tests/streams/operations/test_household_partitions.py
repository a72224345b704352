from __future__ import annotations

from detector.household.state import HouseholdState
from streams.kafka.topic_ids import Identities
from streams.kafka.topics import HOUSEHOLDS, INTENTS, OUTCOMES
from streams.operations.household_partitions import judge_standing
from streams.wire.state.marks import Mark, partition_of
from streams.wire.state.packing import Stored, pack

TOPICS = Identities({INTENTS: "11111111", OUTCOMES: "22222222"}, {HOUSEHOLDS: 8})


def state(name: str, topic_id: str = "11111111") -> bytes:
    return pack(Stored(state=HouseholdState.new(name), intents=(Mark(topic_id, 0, 5),)))


def home(name: str) -> int:
    return partition_of(name.encode(), 8)


def test_households_where_they_belong_are_well() -> None:
    latest = {name.encode(): {home(name): state(name)} for name in ("h1", "h2")}
    found = judge_standing(latest, TOPICS)
    assert found.ok
    assert found.text == "2 households, each where it belongs"
    assert judge_standing({}, TOPICS).ok


def test_a_household_in_another_partition_is_told_with_what_to_do() -> None:
    found = judge_standing({b"h1": {(home("h1") + 4) % 8: state("h1")}}, TOPICS)
    assert not found.ok
    assert "misfire topics grow --partitions 8" in found.text


def test_a_topic_that_was_created_again_is_told_until_a_household_is_heard_of_in_it() -> None:
    latest = {b"h1": {home("h1"): state("h1", "33333333")}}
    found = judge_standing(latest, TOPICS)
    assert not found.ok
    assert "assistant.intents" in found.text
    latest[b"h2"] = {home("h2"): state("h2")}
    assert judge_standing(latest, TOPICS).ok


def test_a_state_that_cannot_be_read_is_told() -> None:
    assert not judge_standing({b"h1": {home("h1"): b"\x02junk"}}, TOPICS).ok
