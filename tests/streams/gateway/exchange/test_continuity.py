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


class GapCounter:
    """A ``Continuity`` that counts its gaps."""

    def __init__(self) -> None:
        self.gaps = 0
        self.continuity = Continuity(self._gap)

    def _gap(self) -> None:
        self.gaps += 1


@pytest.fixture
def counter() -> GapCounter:
    found = GapCounter()
    assert found.continuity.begin(0) is None
    assert all(found.continuity.receive(record(offset)) for offset in (7, 8, 9))
    assert found.gaps == 0
    return found


def test_a_connection_resumes_at_the_last_record(counter: GapCounter) -> None:
    assert counter.continuity.begin(0) == 9
    assert not counter.continuity.receive(record(9))
    assert counter.continuity.receive(record(10))
    counter.continuity.expire()
    assert counter.gaps == 0


@pytest.mark.parametrize(
    "first", [record(9, timestamp=50), record(9, name=b"other"), record(12), record(3)]
)
def test_a_replaced_or_missing_last_record_is_a_gap(counter: GapCounter, first: Any) -> None:
    assert counter.continuity.begin(0) == 9
    assert counter.continuity.receive(first)
    assert counter.gaps == 1
    assert counter.continuity.receive(record(first.offset + 1))
    counter.continuity.expire()
    assert counter.gaps == 1


def test_a_last_record_that_does_not_arrive_again_is_a_gap(counter: GapCounter) -> None:
    counter.continuity.begin(0)
    counter.continuity.expire()
    assert counter.gaps == 1
    assert counter.continuity.begin(0) is None


def test_another_partition_is_a_gap(counter: GapCounter) -> None:
    assert counter.continuity.begin(1) is None
    assert counter.gaps == 1


def test_a_skipped_offset_is_a_gap(counter: GapCounter) -> None:
    assert counter.continuity.receive(record(11))
    assert counter.gaps == 1


def test_a_connection_after_one_without_records_may_have_missed_one() -> None:
    counter = GapCounter()
    assert counter.continuity.begin(0) is None
    assert counter.gaps == 0
    assert counter.continuity.begin(0) is None
    assert counter.gaps == 1
    assert counter.continuity.receive(record(3))
    assert counter.continuity.begin(0) == 3
    assert counter.gaps == 1
