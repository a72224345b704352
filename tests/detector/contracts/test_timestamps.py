from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from detector.contracts.errors import InvalidValue
from detector.contracts.timestamps import in_utc, in_zone, read_timestamp
from tests.detector.builders import event

WANTED = datetime(2026, 1, 5, 7, 27, 48, tzinfo=UTC)

#: Values that every interface rejects as a timestamp.
REFUSED: tuple[object, ...] = (
    "20260105",
    "2026",
    "1767600000",
    "-1",
    "2026-01-05",
    "2026-01",
    "2026-01-05T07:27:48",
    "2026-01-05T07:27Z",
    "2026-01-05 07:27:48Z",
    "2026-W02-1T07:27:48Z",
    "20260105T072748Z",
    "2026-13-05T07:27:48Z",
    "2026-01-05T24:00:01Z",
    "2026-01-05T07:27:48+05:60",
    "2026-01-05T07:27:48-00:99",
    "0001-01-01T00:00:00+05:00",
    "２０２６-01-05T07:27:48Z",  # noqa: RUF001
    "2026-01-05T07:27:48Z\n",
    "today",
    "",
    1_767_600_000,
    1_767_600_000.5,
    True,
    None,
    {},
)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T07:27:48Z",
        "2026-01-05t07:27:48z",
        "2026-01-05T07:27:48.000000000Z",
        "2026-01-05T13:12:48+05:45",
        "2026-01-04T19:27:48-12:00",
        "2026-01-05T07:27:48-00:00",
    ],
)
def test_a_time_is_read_with_its_zone(text: str) -> None:
    assert read_timestamp(text) == WANTED
    found = read_timestamp(text).isoformat(timespec="seconds")
    assert found == text.upper().replace(".000000000", "").replace("-00:00", "Z").replace(
        "Z", "+00:00"
    )


@pytest.mark.parametrize("offset", ["+14:01", "-12:30", "+23:59", "-23:59"])
def test_a_time_in_a_zone_that_no_place_has_is_converted_to_utc(offset: str) -> None:
    found = read_timestamp(f"2026-01-05T07:27:48{offset}")
    assert found.tzinfo is UTC
    assert found == datetime.fromisoformat(f"2026-01-05T07:27:48{offset}")


@pytest.mark.parametrize("value", REFUSED, ids=repr)
def test_an_invalid_time_is_rejected_with_a_hint(value: object) -> None:
    with pytest.raises(
        InvalidValue, match="write it as RFC 3339 with a time zone, such as 2026-01-05T07:27:48Z"
    ):
        read_timestamp(value)


def test_events_keep_the_offset_of_their_zone_and_reject_naive_times() -> None:
    said = event(1, time=WANTED.astimezone(ZoneInfo("Asia/Kathmandu")))
    assert said.time.tzinfo == timezone(timedelta(hours=5, minutes=45))
    assert said.zone_seconds == 20_700.0
    assert said.local_seconds == said.seconds + 20_700.0
    assert said == event(1, time=WANTED)
    assert event(1, time=WANTED).zone_seconds == 0.0
    assert in_zone(WANTED) is WANTED
    assert in_utc(WANTED) is WANTED
    with pytest.raises(InvalidValue, match=r"time has no time zone; .* 2026-01-05T07:27:48Z"):
        replace(said, time=WANTED.replace(tzinfo=None))
