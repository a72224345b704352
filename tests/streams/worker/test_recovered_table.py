from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import faust
import pytest

from streams.wire.state.marks import partition_of
from streams.wire.state.progress import PROGRESS
from streams.worker.recovered_table import HouseholdTable

KEY = b"h1"


@pytest.fixture
def table() -> Any:
    app = faust.App("t", store="memory://", Table=HouseholdTable)
    return app.Table("households", partitions=4)


def change(value: bytes | None, progress: bytes | None = None) -> Any:
    headers = None if progress is None else [(PROGRESS, progress)]
    message = SimpleNamespace(key=KEY, value=value, partition=partition_of(KEY, 4), headers=headers)
    return SimpleNamespace(key=KEY, value=value, message=message)


def test_a_suspended_worker_cannot_replace_a_later_state_by_its_own(table: Any) -> None:
    """It wrote its staged state when it went on, after the next owner had written a later one."""
    table.apply_changelog_batch([change(b"next owner's", b"a:1:7,")])
    table.apply_changelog_batch([change(b"suspended worker's", b"a:1:5,")])

    assert table.data[KEY] == b"next owner's"
    assert table.end_recovery() == {KEY}


def test_a_state_that_was_overtaken_again_is_not_written_again(table: Any) -> None:
    table.apply_changelog_batch(
        [change(b"2", b"a:1:7,"), change(b"1", b"a:1:5,"), change(b"3", b"a:1:8,")]
    )

    assert table.data[KEY] == b"3"
    assert table.end_recovery() == set()


@pytest.mark.parametrize("later", [change(b"later"), change(b"later", b"recreated:1:0,")])
def test_a_state_that_cannot_be_compared_replaces_the_one_before(table: Any, later: Any) -> None:
    table.apply_changelog_batch([change(b"before", b"a:1:7,")])
    table.apply_changelog_batch([later])

    assert table.data[KEY] == b"later"


def test_a_household_that_was_removed_may_come_back(table: Any) -> None:
    table.apply_changelog_batch([change(b"before", b"a:1:7,")])
    table.apply_changelog_batch([change(None)])
    table.apply_changelog_batch([change(b"back", b"a:1:5,")])

    assert table.data[KEY] == b"back"
    assert table.end_recovery() == set()
