from __future__ import annotations

import pytest

from streams.wire.state.progress import is_behind


@pytest.mark.parametrize(
    ("one", "other", "behind"),
    [
        (b"a:1:5,", b"a:1:6,", True),
        (b"a:1:5,", b"a:1:5,", False),
        (b"a:1:6,", b"a:1:5,", False),
        (b"a:1:5,b:1:2", b"a:1:6,b:1:2", True),
        (b"a:1:5,b:1:3", b"a:1:6,b:1:2", False),
        (b"a:1:5,", b"a:1:5,b:1:0", True),
        (b"a:1:5,b:1:0", b"a:1:5,", False),
        # Another topic of the same name, or another partition after partitions were added.
        (b"a:1:5,", b"c:1:6,", False),
        (b"a:1:5,", b"a:2:6,", False),
        (b",", b"a:1:0,", True),
        (b"", b"a:1:0,", True),
        (b"damaged", b"a:1:0,", True),
    ],
)
def test_a_state_is_behind_another_that_contains_all_its_records(
    one: bytes, other: bytes, *, behind: bool
) -> None:
    assert is_behind(one, other) is behind
