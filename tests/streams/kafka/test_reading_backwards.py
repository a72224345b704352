"""A topic is read from its end, in windows of which some can be skipped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition

from streams.kafka import reading_backwards
from streams.kafka.connection import Brokers
from streams.kafka.reading_backwards import read_backwards, records_since

BROKERS = Brokers("nobody.invalid:9092")


class Consumer:
    """A consumer of one partition with the offsets 2 to 11, one a second."""

    begin, end = 2, 12

    def __init__(self) -> None:
        self._fetcher = SimpleNamespace(config={"fetch_max_wait_ms": 50})
        self._next = 0

    def beginning_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(partitions, self.begin)

    def end_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(partitions, self.end)

    def offsets_for_times(self, times: dict[Any, int]) -> dict[Any, Any]:
        return {
            each: SimpleNamespace(offset=at // 1000) if at < 1000 * self.end else None
            for each, at in times.items()
        }

    def assign(self, _: list[Any]) -> None: ...

    def seek(self, _: Any, offset: int) -> None:
        self._next = offset

    def position(self, _: Any, **__: Any) -> int:
        return self._next

    def assignment(self) -> set[TopicPartition]:
        return set()

    def poll(self, *, timeout_ms: int, max_records: int) -> dict[Any, Any]:
        assert timeout_ms > 0
        offsets = range(self._next, min(self._next + max_records, self.end))
        self._next = max(self._next, self.end)
        records = [
            SimpleNamespace(offset=n, timestamp=1000 * n, key=b"", value=b"", headers=())
            for n in offsets
        ]
        return {TopicPartition("topic", 0): records} if records else {}


@pytest.fixture(autouse=True)
def topic(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def opened(*_: Any) -> Iterator[tuple[Consumer, list[TopicPartition]]]:
        yield Consumer(), [TopicPartition("topic", 0)]

    monkeypatch.setattr(reading_backwards, "open_topic", opened)


@pytest.mark.parametrize(
    ("every", "offsets"),
    [(1, [[9, 10, 11], [6, 7, 8], [3, 4, 5], [2]]), (2, [[9, 10, 11], [3, 4, 5]])],
)
def test_windows_are_read_from_the_end(every: int, offsets: list[list[int]]) -> None:
    found = read_backwards(BROKERS, "topic", window=3, every=every)

    assert [[each.place.offset for each in window] for window in found] == offsets


@pytest.mark.parametrize(
    ("since", "enough", "records"), [(0.0, 10, 10), (8.0, 10, 10), (8.0, 9, 4), (99.0, 9, 0)]
)
def test_records_are_counted_from_a_time_on_if_there_are_many(
    since: float, enough: int, records: int
) -> None:
    assert records_since(BROKERS, "topic", since, enough=enough) == records
