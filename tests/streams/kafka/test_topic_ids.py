from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kafka.errors import KafkaError

from streams.kafka.topic_ids import Identities, IdentityWatch, is_stale, look_up
from streams.wire.state.marks import partition_of, short_id
from streams.worker.recovered_table import HouseholdTable

FIRST, SECOND = "01a224e1-d479-7b92-997b-d9bb70f7f20d", "01a224e1-d50e-72b0-830c-14f22d4c0376"


class Broker:
    """The part of an admin client that the tests use."""

    def __init__(self, **topics: tuple[str, int]) -> None:
        self.topics: dict[str, tuple[str, int]] = topics
        self.gone = False

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        if self.gone:
            raise KafkaError
        return [
            {
                "name": name,
                "topic_id": self.topics[name][0],
                "partitions": [{}] * self.topics[name][1],
            }
            if name in self.topics
            else {"name": name, "error_code": 3, "partitions": []}
            for name in names
        ]


def test_recreated_and_resized_topics_are_reported_and_missing_ones_are_not() -> None:
    broker = Broker(a=(FIRST, 4), b=(SECOND, 4))
    known = look_up(broker, ["a", "b", "c"])
    assert known.of("a") == short_id(FIRST)
    assert known.of("c") == ""
    connects = iter([broker, broker])
    watch = IdentityWatch(known, lambda: next(connects))
    assert not watch.look().sentences

    del broker.topics["a"]
    assert not watch.look().sentences

    broker.gone = True
    assert not watch.look().sentences
    broker.gone = False

    broker.topics["a"] = (SECOND, 4)
    assert watch.look().sentences == ["topic a was deleted and created again"]

    watch.adopt("a")
    assert not watch.look().sentences
    broker.topics["a"] = (FIRST, 4)
    watch.adopt("a")

    broker.topics |= {"a": (FIRST, 4), "b": (SECOND, 8)}
    assert watch.look().sentences == ["topic b has 8 partitions now, not 4"]


def test_a_broker_without_ids_recreates_no_topic() -> None:
    with_ids, without = Identities({"a": "11111111"}, {"a": 4}), Identities({"a": ""}, {"a": 4})
    assert with_ids.created_again(without) == without.created_again(with_ids) == []


@pytest.mark.parametrize(
    ("committed_with", "topic_id", "stale"),
    [
        ("11111111", "11111111", False),
        ("11111111", "22222222", True),
        ("", "22222222", False),  # 0.1.0 committed it
        (None, "22222222", False),  # the embedded broker does not keep it
        ("11111111", "", False),  # a broker without ids
    ],
)
def test_an_offset_of_an_earlier_topic_is_stale(
    committed_with: str | None, topic_id: str, stale: bool
) -> None:
    assert is_stale(committed_with, topic_id) is stale


def test_a_household_is_recovered_from_its_own_partition_only() -> None:
    """The tombstone in its former partition may be read after the state in its present one."""
    import faust

    table: Any = faust.App("t", store="memory://", Table=HouseholdTable).Table(
        "households", partitions=8
    )
    key = next(b"h%d" % n for n in range(100) if partition_of(b"h%d" % n, 8) > 3)
    home, old = partition_of(key, 8), partition_of(key, 4)

    def change(partition: int, value: bytes | None) -> Any:
        return SimpleNamespace(
            key=key,
            value=value,
            message=SimpleNamespace(key=key, value=value, partition=partition, headers=None),
        )

    table.apply_changelog_batch([change(home, b"now"), change(old, b"before")])
    assert table.data[key] == b"now"
    assert table.strays == {(old, key)}

    table.apply_changelog_batch([change(old, None)])
    assert table.data[key] == b"now"
    assert not table.strays
