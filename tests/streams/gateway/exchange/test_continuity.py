from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streams.gateway.exchange.continuity import Continuity


def record(offset: int, partition: int = 0, timestamp: int = 0, name: bytes = b"c") -> Any:
    headers = [("misfire_correlation_id", name)]
    return SimpleNamespace(
        partition=partition, offset=offset, timestamp=timestamp + offset, headers=headers
    )


class Heard:
    """A ``Continuity`` that counts its gaps."""

    def __init__(self) -> None:
        self.gaps = 0
        self.following = Continuity(self._gap)

    def _gap(self) -> None:
        self.gaps += 1


@pytest.fixture
def heard() -> Heard:
    found = Heard()
    assert found.following.begin(0) is None
    assert all(found.following.receive(record(offset)) for offset in (7, 8, 9))
    assert found.gaps == 0
    return found


def test_a_connection_resumes_at_the_last_record(heard: Heard) -> None:
    assert heard.following.begin(0) == 9
    assert not heard.following.receive(record(9))
    assert heard.following.receive(record(10))
    heard.following.expire()
    assert heard.gaps == 0


@pytest.mark.parametrize(
    "first", [record(9, timestamp=50), record(9, name=b"other"), record(12), record(3)]
)
def test_another_record_in_its_place_or_none_is_a_gap(heard: Heard, first: Any) -> None:
    assert heard.following.begin(0) == 9
    assert heard.following.receive(first)
    assert heard.gaps == 1
    assert heard.following.receive(record(first.offset + 1))
    heard.following.expire()
    assert heard.gaps == 1


def test_a_last_record_that_does_not_arrive_again_is_a_gap(heard: Heard) -> None:
    heard.following.begin(0)
    heard.following.expire()
    assert heard.gaps == 1
    assert heard.following.begin(0) is None


def test_another_partition_is_a_gap(heard: Heard) -> None:
    assert heard.following.begin(1) is None
    assert heard.gaps == 1


def test_a_skipped_offset_is_a_gap(heard: Heard) -> None:
    assert heard.following.receive(record(11))
    assert heard.gaps == 1


def test_where_no_record_was_heard_the_next_connection_may_have_missed_one() -> None:
    heard = Heard()
    assert heard.following.begin(0) is None
    assert heard.gaps == 0
    assert heard.following.begin(0) is None
    assert heard.gaps == 1
    assert heard.following.receive(record(3))
    assert heard.following.begin(0) == 3
    assert heard.gaps == 1
