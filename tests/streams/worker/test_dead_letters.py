from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from streams.errors import RecordError
from streams.wire.records import (
    CORRELATION_ID,
    DEADLINE,
    DECISION,
    FIRST_LOGGED,
    LATE_MS,
    REPLY_PARTITION,
    logged_before,
)
from streams.wire.reply_headers import ReplyTarget, reply_headers, reply_target, trace_of
from streams.worker.dead_letters import letter_about
from streams.worker.handling import Incoming

ERROR = RecordError("not_json", "the value is not JSON")


def _record(key: bytes | None, value: bytes | None) -> Incoming:
    return Incoming(
        topic="t", partition=3, offset=14, timestamp=0.0, key=key, value=value, headers=()
    )


def test_a_reply_target_needs_an_existing_partition_and_an_id() -> None:
    def asked(partition: bytes, correlation: bytes = b"c") -> ReplyTarget | None:
        return reply_target(
            [(REPLY_PARTITION, partition), (CORRELATION_ID, correlation)], partitions=8
        )

    assert asked(b"7") == ReplyTarget(7, b"c")
    assert asked(b"8") is None
    assert asked(b"7", b"") is None
    assert reply_target([(REPLY_PARTITION, b"7")], partitions=8) is None
    assert reply_target([], partitions=8) is None


def test_a_letter_contains_the_record_its_position_and_the_reason() -> None:
    letter = letter_about(_record(b"h1", b"{"), ERROR)
    assert (letter.key, letter.value) == (b"h1", b"{")
    assert dict(letter.headers) == {
        "misfire_reason": b"not_json",
        "misfire_error": b"the value is not JSON",
        "misfire_topic": b"t",
        "misfire_partition": b"3",
        "misfire_offset": b"14",
        "misfire_first_logged": b"0.000",
    }


def test_a_letter_has_the_time_of_its_records_arrival() -> None:
    record = replace(_record(b"h1", b"{"), timestamp=1_000.5)
    waited = replace(record, headers=[(FIRST_LOGGED, b"900")])

    assert logged_before(letter_about(record, ERROR).headers) == 1_000.5
    assert logged_before(letter_about(waited, ERROR).headers) == 900


def test_an_oversized_value_is_left_out_and_its_size_given() -> None:
    letter = letter_about(_record(b"k" * 2_000, b"v" * 2_000_000), ERROR)
    headers = dict(letter.headers)
    assert letter.key is None
    assert letter.value == b"v" * len(letter.value)
    assert 0 < len(letter.value) < 1_000_000
    assert (headers["misfire_size"], headers["misfire_key_size"]) == (b"2000000", b"2000")


def test_a_valid_traceparent_is_forwarded_and_an_invalid_one_dropped() -> None:
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert trace_of([("traceparent", trace)]) == trace
    assert trace_of([("traceparent", b"said in a home")]) is None
    assert trace_of([("traceparent", trace + b"-" * 300)]) is None
    assert trace_of([]) is None


def test_a_record_that_may_contain_spoken_words_is_not_repeated() -> None:
    letter = letter_about(
        _record(b"anna", b"call my doctor"), RecordError("not_tokens", "slots (a value)")
    )
    assert (letter.key, letter.value) == (None, b"")
    assert dict(letter.headers)["misfire_size"] == b"14"


NOW = datetime(2026, 1, 5, 18, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("deadline", "late"),
    [
        (b"2026-01-05T18:00:00.750Z", b"250"),
        (b"2026-01-05T19:00:00.750+01:00", b"250"),
        (b"2026-01-05T18:00:01Z", None),
        (b"2026-01-05T18:00:02Z", None),
        (b"2026-01-05T18:00:00", None),
        (b"soon", None),
        (b"\xff", None),
        (b"", None),
        (None, None),
    ],
)
def test_a_late_reply_states_its_delay(deadline: bytes | None, late: bytes | None) -> None:
    headers: list[tuple[str, bytes]] = [(REPLY_PARTITION, b"1"), (CORRELATION_ID, b"c1")]
    target = reply_target([*headers, *([(DEADLINE, deadline)] if deadline is not None else [])], 2)

    assert target is not None
    told = dict(reply_headers(target, DECISION.type, NOW))
    assert told.get(LATE_MS) == late
    assert (told["ce_type"], told["ce_id"], told[CORRELATION_ID]) == (
        DECISION.type.encode(),
        b"c1",
        b"c1",
    )
