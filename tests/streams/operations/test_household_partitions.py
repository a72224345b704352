from __future__ import annotations

from detector.household.state import HouseholdState
from streams.kafka.topic_ids import Identities
from streams.kafka.topics import HOUSEHOLDS, INTENTS, OUTCOMES
from streams.operations.household_partitions import judge_states
from streams.wire.state.marks import Mark, partition_of
from streams.wire.state.packing import Stored, pack

TOPICS = Identities({INTENTS: "11111111", OUTCOMES: "22222222"}, {HOUSEHOLDS: 8})


def state(name: str, topic_id: str = "11111111") -> bytes:
    return pack(Stored(state=HouseholdState.new(name), intents=(Mark(topic_id, 0, 5),)))


def home(name: str) -> int:
    return partition_of(name.encode(), 8)


def test_households_in_their_own_partitions_are_healthy() -> None:
    latest = {name.encode(): {home(name): state(name)} for name in ("h1", "h2")}
    found = judge_states(latest, TOPICS)
    assert found.ok
    assert found.text == "2 households, each in its own partition"
    assert judge_states({}, TOPICS).ok


def test_a_household_in_another_partition_is_reported_with_the_fix() -> None:
    found = judge_states({b"h1": {(home("h1") + 4) % 8: state("h1")}}, TOPICS)
    assert not found.ok
    assert "misfire topics grow --partitions 8" in found.text


def test_a_recreated_topic_is_reported_until_a_household_has_a_record_in_it() -> None:
    latest = {b"h1": {home("h1"): state("h1", "33333333")}}
    found = judge_states(latest, TOPICS)
    assert not found.ok
    assert "assistant.intents" in found.text
    latest[b"h2"] = {home("h2"): state("h2")}
    assert judge_states(latest, TOPICS).ok


def test_an_unreadable_state_is_reported() -> None:
    assert not judge_states({b"h1": {home("h1"): b"\x02junk"}}, TOPICS).ok
