from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from detector.contracts.decisions import Verdict
from detector.contracts.events import IntentEvent, OutcomeKind
from streams.errors import RecordError
from streams.wire.records import DECISION, INTENT, MAX_BYTES, OUTCOME, Kind, check_type, header
from tests.detector.builders import START, event, hand_bundle, outcome, run, send_message
from tests.detector.contracts.test_timestamps import REFUSED

EVENT = event(1, slots={"contact": "k1_a44e"}, wake_confidence=0.25, commits=True)
ROW: dict[str, Any] = json.loads(INTENT.encode(EVENT))
VALUES: list[tuple[Kind[Any], Any]] = [
    (INTENT, EVENT),
    (OUTCOME, outcome("e1", OutcomeKind.UNDONE)),
    *(
        (DECISION, decision)
        for decision in run(send_message(wake_confidence=0.1), hand_bundle())[0]
    ),
]


@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_decoding_and_encoding_gives_the_same_value_and_bytes(kind: Kind[Any], value: Any) -> None:
    data = kind.encode(value)
    assert kind.decode(data) == value
    assert kind.encode(kind.decode(data)) == data


def test_an_event_is_encoded_as_documented() -> None:
    assert ROW == {
        "event_id": "e1",
        "time": "2026-01-05T18:00:10Z",
        "household_id": "h1",
        "device_id": "d1",
        "session_id": "s1",
        "intent": "messages.SendMessage",
        "act": "initiate",
        "commits": True,
        "slots": {"contact": "k1_a44e"},
        "intent_confidence": None,
        "asr_confidence": None,
        "wake_confidence": 0.25,
        "speaker_id": None,
        "runtime": None,
    }


def test_an_unknown_field_is_ignored_and_a_missing_confidence_stays_missing() -> None:
    without = {name: value for name, value in ROW.items() if value is not None} | {"colour": "blue"}
    assert INTENT.decode(json.dumps(without).encode()) == EVENT


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"act": "sing"}, "act"),
        ({"commits": "yes"}, "commits"),
        ({"commits": 1}, "commits"),
        ({"event_id": 3}, "event_id"),
        ({"event_id": ""}, "the value"),
        ({"household_id": "zwei Wörter"}, "the value"),
        ({"intent": "SendMessage"}, "the value"),
        ({"time": "yesterday"}, "time"),
        *(({"time": value}, "time") for value in REFUSED),
        ({"wake_confidence": 1.5}, "the value"),
        ({"wake_confidence": "0.5"}, "wake_confidence"),
        ({"slots": ["contact"]}, "slots"),
        ({"slots": {"contact": 3}}, "slots"),
        ({"slots": {str(n): "t" for n in range(33)}}, "the value"),
        ({"slots": {"contact": "t" * 200}}, "the value"),
    ],
)
def test_an_invalid_value_is_refused_and_its_field_is_named(
    change: dict[str, Any], named: str
) -> None:
    with pytest.raises(RecordError, match=f"^{named}: ") as refused:
        INTENT.decode(json.dumps(ROW | change).encode())
    assert refused.value.code == "schema"


@pytest.mark.parametrize(
    "name", ["event_id", "time", "household_id", "device_id", "intent", "act", "commits"]
)
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(RecordError, match=rf"^{name}: Field required$"):
        INTENT.decode(
            json.dumps({key: value for key, value in ROW.items() if key != name}).encode()
        )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (None, "schema"),
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[" * 5_000, "not_json"),
        (b"[]", "schema"),
        (b"null", "schema"),
        (b" " * (MAX_BYTES + 1), "too_large"),
    ],
)
def test_a_value_that_is_not_an_object_has_a_code(data: bytes | None, code: str) -> None:
    with pytest.raises(RecordError) as refused:
        INTENT.decode(data)
    assert refused.value.code == code


def test_the_limit_in_bytes_is_named_and_the_largest_event_is_below_it() -> None:
    largest = event(slots={f"{number:0>128}": "\U0001f600" * 128 for number in range(32)})
    assert len(INTENT.encode(largest)) < MAX_BYTES
    with pytest.raises(RecordError, match=str(MAX_BYTES)):
        INTENT.decode(b"x" * 2_097_152)


def test_an_error_has_one_part_per_field() -> None:
    slots = {f"private{number}": number for number in range(2_000)}
    with pytest.raises(RecordError) as refused:
        INTENT.decode(json.dumps(ROW | {"slots": slots, "act": "sing"}).encode())
    assert str(refused.value).count(";") == 1
    assert "private" not in str(refused.value)


def test_headers_are_those_of_the_cloudevents_binding() -> None:
    time = START.astimezone(timezone(timedelta(hours=-8)))
    assert INTENT.headers("e1", time, source="test", trace=b"00-1-2-01") == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"e1"),
        ("ce_type", b"assistant.intent.v1"),
        ("ce_source", b"test"),
        ("ce_time", b"2026-01-05T18:00:00Z"),
        ("content-type", b"application/json"),
        ("traceparent", b"00-1-2-01"),
    ]


def test_another_type_is_refused_and_a_missing_one_is_accepted() -> None:
    check_type(INTENT.headers("e1", START, source="test"), INTENT)
    check_type(None, INTENT)
    check_type([], INTENT)
    for named in (b"assistant.outcome.v1", b"assistant.intent.v2", b"\xff", b""):
        with pytest.raises(RecordError, match=r"assistant\.intent\.v1") as refused:
            check_type([("ce_type", named)], INTENT)
        assert refused.value.code == "unknown_type"


def test_the_first_header_of_a_name_counts() -> None:
    assert header([("a", b"1"), ("a", b"2")], "a") == b"1"
    assert header({"a": b"1"}, "a") == b"1"
    assert header(None, "a") is None


@pytest.mark.parametrize("kind", [INTENT, DECISION, OUTCOME])
def test_the_schema_is_that_of_the_value(kind: Kind[Any]) -> None:
    schema = kind.schema()
    assert schema["type"] == "object"
    assert set(schema["required"]) <= set(schema["properties"])
    if kind is INTENT:
        assert set(schema["properties"]) == set(ROW)


def test_times_are_utc_and_keep_their_microseconds() -> None:
    value = event(time=START + timedelta(microseconds=1))
    back: IntentEvent = INTENT.decode(INTENT.encode(value))
    assert back.time == value.time
    assert back.time.utcoffset() == timedelta(0)
    assert isinstance(back.time, datetime)


@pytest.mark.parametrize("value", REFUSED, ids=repr)
def test_a_rejected_time_keeps_its_hint(value: Any) -> None:
    sent = json.loads(INTENT.encode(event(1))) | {"time": value}
    with pytest.raises(
        RecordError, match="write it as RFC 3339 with a time zone, such as 2026-01-05T07:27:48Z"
    ):
        INTENT.decode_strictly(json.dumps(sent).encode())


def test_an_offset_is_converted() -> None:
    sent = json.loads(INTENT.encode(event(1))) | {"time": "2026-01-05T23:45:10+05:45"}
    assert INTENT.decode_strictly(json.dumps(sent).encode()).time == datetime(
        2026, 1, 5, 18, 0, 10, tzinfo=UTC
    )


def test_a_decision_without_rules_has_the_bytes_of_earlier_versions() -> None:
    decision = run(send_message(), hand_bundle())[0][-1]
    later = {"model_verdict", "rule", "rules"}
    ruled = replace(decision, model_verdict=Verdict.ALLOW, rule="r1", rules="abc")

    assert later.isdisjoint(json.loads(DECISION.encode(decision)))
    assert later <= json.loads(DECISION.encode(ruled)).keys()
    for each in (decision, ruled):
        assert DECISION.read(DECISION.encode(each)) == (each, set())
