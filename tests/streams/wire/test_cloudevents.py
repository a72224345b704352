from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import RecordError
from streams.wire.cloudevents import is_structured, type_inside, unwrapped, wrapped
from streams.wire.records import INTENT, MAX_BYTES
from tests.detector.builders import event

EVENT = event(1, slots={"contact": "k1_a44e"})
INSIDE: dict[str, Any] = json.loads(wrapped(INTENT.encode(EVENT), INTENT, "e1", "misfire/test"))


def test_wrapping_and_unwrapping_gives_the_same_value() -> None:
    assert {name: INSIDE[name] for name in ("specversion", "id", "type", "source")} == {
        "specversion": "1.0",
        "id": "e1",
        "type": "assistant.intent.v1",
        "source": "misfire/test",
    }
    assert INTENT.decode(unwrapped(json.dumps(INSIDE).encode(), INTENT)) == EVENT
    assert type_inside(json.dumps(INSIDE).encode()) == b"assistant.intent.v1"


def test_time_and_extensions_are_accepted() -> None:
    body = json.dumps(INSIDE | {"time": "2026-01-05T18:00:00Z", "subject": "x", "traceparent": "t"})
    assert INTENT.decode(unwrapped(body.encode(), INTENT)) == EVENT


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"", "not_json", "not JSON"),
        (b"[" * 50_000, "not_json", "not JSON"),
        (b"x" * (MAX_BYTES + 1), "too_large", str(MAX_BYTES)),
        (b"[]", "schema", "specversion, id, source, type"),
        (b"{}", "schema", "specversion, id, source, type"),
        (json.dumps({**INSIDE, "data": "text"}).encode(), "schema", "data, an object"),
        (json.dumps({**INSIDE, "specversion": "0.9"}).encode(), "schema", "specversion"),
        (json.dumps({**INSIDE, "time": "soon"}).encode(), "schema", "time"),
        (json.dumps({**INSIDE, "time": 5}).encode(), "schema", "time"),
        (
            json.dumps({**INSIDE, "type": "assistant.intent.v9"}).encode(),
            "unknown_type",
            "assistant.intent.v1",
        ),
        (json.dumps({**INSIDE, "call my doctor": "x"}).encode(), "schema", "an extension"),
    ],
)
def test_an_invalid_cloudevent_is_refused_with_a_reason(body: bytes, code: str, said: str) -> None:
    with pytest.raises(RecordError, match=said) as refused:
        unwrapped(body, INTENT)
    assert refused.value.code == code
    assert "doctor" not in str(refused.value)


@given(
    st.binary()
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
        lambda x: json.dumps(x).encode()
    )
)
def test_any_other_body_is_refused(body: bytes) -> None:
    type_inside(body)
    with pytest.raises(RecordError):
        unwrapped(body, INTENT)


@pytest.mark.parametrize(
    ("media", "structured"),
    [
        ("application/cloudevents+json", True),
        ("Application/CloudEvents+JSON; charset=utf-8", True),
        ("application/json", False),
        ("", False),
    ],
)
def test_the_content_type_determines_the_mode(media: str, structured: bool) -> None:
    assert is_structured(media) is structured
