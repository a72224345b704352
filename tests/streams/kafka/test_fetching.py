from __future__ import annotations

from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams.kafka.fetching import arriving, lengthen_fetches, poll

_REPLIES = TopicPartition("replies", 4)
#: What a fetch of one partition from offset 7 on asks for.
_REQUEST = SimpleNamespace(topics=[("replies", [(4, 7, 1_048_576)])])


class _Fetcher:
    """A fetcher of aiokafka whose broker answers only if the fetch may wait long enough."""

    def __init__(self, *, wait_ms: int, needed_ms: int) -> None:
        self._fetch_max_wait_ms = wait_ms
        self._records: dict[TopicPartition, bytes] = {}
        self.needed_ms = needed_ms
        self.end = 9

    async def _proc_fetch_request(self, *_: Any) -> bool:
        self._records.clear()
        if self.end > 7 and self._fetch_max_wait_ms >= self.needed_ms:
            self._records[_REPLIES] = b"records"
        return bool(self._records)

    async def fetch(self, *, active: bool = True) -> bool:
        state = SimpleNamespace(highwater=self.end)
        known = {_REPLIES: state}
        assignment = SimpleNamespace(active=active, state_value=known.get)
        return await self._proc_fetch_request(assignment, 0, _REQUEST)


def _adapting(wait_ms: int, needed_ms: int = 0) -> _Fetcher:
    fetcher = _Fetcher(wait_ms=wait_ms, needed_ms=needed_ms)
    lengthen_fetches(SimpleNamespace(_fetcher=fetcher))
    return fetcher


async def test_a_fetch_waits_longer_until_a_slow_broker_returns_what_it_has() -> None:
    fetcher = _adapting(10, needed_ms=100)
    found = [await fetcher.fetch() for _ in range(6)]
    assert found == [False, False, False, False, True, True]
    assert fetcher._fetch_max_wait_ms == 160


async def test_a_fetch_at_the_end_shortens_the_next_one_down_to_the_given_wait() -> None:
    fetcher = _adapting(10, needed_ms=100)
    for _ in range(5):
        await fetcher.fetch()
    fetcher.end = 7
    await fetcher.fetch()
    assert fetcher._fetch_max_wait_ms == 152
    for _ in range(100):
        await fetcher.fetch()
    assert fetcher._fetch_max_wait_ms == 10


async def test_the_wait_stays_below_the_timeout_of_a_request() -> None:
    fetcher = _adapting(10, needed_ms=10_000)
    for _ in range(20):
        await fetcher.fetch()
    assert fetcher._fetch_max_wait_ms == 1_500


async def test_a_longer_wait_of_the_settings_is_kept() -> None:
    fetcher = _adapting(2_000, needed_ms=10_000)
    await fetcher.fetch()
    assert fetcher._fetch_max_wait_ms == 2_000


async def test_an_answer_after_the_assignment_has_changed_says_nothing() -> None:
    fetcher = _adapting(10, needed_ms=100)
    await fetcher.fetch(active=False)
    assert fetcher._fetch_max_wait_ms == 10


class _Consumer:
    """A consumer of kafka-python at offset 7 of a partition that ends at ``end``."""

    def __init__(self, end: int | None, *, needed_ms: int = 0) -> None:
        self._fetcher = SimpleNamespace(config={"fetch_max_wait_ms": 50})
        self.end, self.needed_ms = end, needed_ms
        self.at: int | None = 7
        self.timeouts: list[int] = []

    def poll(self, *, timeout_ms: int, **_: object) -> dict[Any, list[Any]]:
        self.timeouts.append(timeout_ms)
        is_answered = self._fetcher.config["fetch_max_wait_ms"] >= self.needed_ms
        return {_REPLIES: [b"record"]} if is_answered and self.end == 9 else {}

    def assignment(self) -> set[TopicPartition]:
        return {_REPLIES}

    def highwater(self, _: TopicPartition) -> int | None:
        return self.end

    def position(self, _: TopicPartition, **__: Any) -> int | None:
        return self.at


def test_polls_wait_longer_until_a_slow_broker_returns_what_it_has() -> None:
    consumer: Any = _Consumer(9, needed_ms=300)
    found = [poll(consumer, timeout_ms=200) for _ in range(4)]
    assert [bool(each) for each in found] == [False, False, False, True]
    assert consumer.timeouts == [200, 200, 400, 800]


@pytest.mark.parametrize("end", [7, None])
def test_empty_polls_at_the_end_stay_short(end: int | None) -> None:
    consumer: Any = _Consumer(end)
    for _ in range(3):
        assert poll(consumer, timeout_ms=200) == {}
    assert consumer.timeouts == [200, 200, 200]


def test_a_partition_without_a_leader_has_no_position_and_changes_nothing() -> None:
    consumer: Any = _Consumer(9, needed_ms=300)
    consumer.at = None
    assert [poll(consumer, timeout_ms=200) for _ in range(3)] == [{}, {}, {}]
    assert consumer.timeouts == [200, 200, 200]


def test_records_arrive_from_a_slow_broker() -> None:
    consumer: Any = _Consumer(9, needed_ms=300)
    assert list(islice(arriving(consumer), 2)) == [b"record", b"record"]


def test_no_other_module_polls_a_consumer_with_a_fixed_wait() -> None:
    folder = Path(__file__).parents[3] / "streams"
    sources = {path: path.read_text() for path in folder.rglob("*.py")}
    polling = {path.stem for path, text in sources.items() if "onsumer.poll(" in text}
    assert polling == {"fetching"}
