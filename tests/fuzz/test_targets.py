from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import HOSTILE, TARGETS, Target

#: Delimiters and special values of the formats that are read.
PIECES = [
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\0",
    b"\xff",
    b"\n",
    b"=",
    b"null",
    b"1e999",
]
PIECES += [
    b"NaN",
    b"9" * 5_000,
    b"\\ud800",
    b"\xff\x00",
    b"../",
    b"household_id",
    b"PK\x01\x02",
    b"\x1f\x8b",
]


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_accepts_its_seeds(name: str) -> None:
    for seed in [*HOSTILE, *TARGETS[name].seeds]:
        TARGETS[name].run(seed)


@st.composite
def inputs(draw: st.DrawFn, target: Target) -> bytes:
    """Draw a seed with parts of it removed, doubled or replaced, or arbitrary bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = draw(st.sampled_from([*target.seeds, *HOSTILE]))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + 64)))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=8) | st.just(data[begin:end] * 2))
        data = data[:begin] + piece + data[end:]
    return data


@pytest.mark.parametrize("name", TARGETS)
@settings(suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_input_breaks_a_reader(name: str, data: st.DataObject) -> None:
    TARGETS[name].run(data.draw(inputs(TARGETS[name])))
