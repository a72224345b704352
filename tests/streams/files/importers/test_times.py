from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import UsageError
from streams.files.importers.records import Unreadable
from streams.files.importers.times import Times, zone_of

MOMENT = datetime(2026, 1, 5, 7, 27, 48, tzinfo=UTC)
SECONDS = 1767598068


@pytest.mark.parametrize(
    "value",
    [
        SECONDS,
        float(SECONDS),
        SECONDS * 1000,
        f"{SECONDS}",
        f"{SECONDS}000",
        f"{SECONDS}.0",
        "2026-01-05T07:27:48Z",
        " 2026-01-05 07:27:48+00:00 ",
        "2026-01-05T08:27:48+01:00",
        "2026-01-05T07:27:48.000Z",
        "2026-01-05 07:27:48 UTC",
    ],
)
def test_every_form_of_a_time_is_read(value: object) -> None:
    assert Times().read(value) == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "yesterday",
        "2026-01-05",
        "20260105",
        "2026-02-30T00:00:00Z",
        "0000-00-00 00:00:00",
        "9" * 40,
        10**400,
        1e308,
        float("nan"),
        float("inf"),
        0,
        -SECONDS,
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        [],
        {},
        "2026-01-05T07:27:48\0Z",
    ],
)
def test_an_invalid_time_is_unreadable_and_not_repeated(value: object) -> None:
    with pytest.raises(Unreadable, match=r"^the time (cannot be read|is outside)"):
        Times().read(value)


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans())
def test_any_value_is_a_time_in_range_or_unreadable(value: object) -> None:
    try:
        time = Times(ZoneInfo("Europe/Berlin")).read(value)
    except Unreadable:
        return
    assert 2000 <= time.year < 2100
    assert time.utcoffset() == time.astimezone(ZoneInfo("Europe/Berlin")).utcoffset()


def test_a_time_without_a_zone_is_local_in_summer_and_in_winter() -> None:
    times = Times(ZoneInfo("Europe/Berlin"))
    assert times.read("2026-07-01 12:00:00") == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert times.read("2026-01-01 12:00:00") == datetime(2026, 1, 1, 11, tzinfo=UTC)
    assert (times.ambiguous, times.impossible) == (0, 0)


def test_the_hours_around_a_change_of_clocks_are_counted() -> None:
    times = Times(ZoneInfo("Europe/Berlin"))
    assert times.read("2026-10-25 02:30:00") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert (times.ambiguous, times.impossible) == (1, 0)
    assert times.read("2026-03-29 02:30:00") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert (times.ambiguous, times.impossible) == (1, 1)
    assert times.read("2026-03-29T02:30:00Z") == datetime(2026, 3, 29, 2, 30, tzinfo=UTC)
    assert (times.ambiguous, times.impossible) == (1, 1)


def test_a_given_format_is_the_only_one() -> None:
    times = Times(ZoneInfo("America/New_York"), "%d/%m/%Y %H:%M")
    assert times.read("05/01/2026 02:27") == datetime(2026, 1, 5, 7, 27, tzinfo=UTC)
    with pytest.raises(Unreadable):
        times.read("2026-01-05T07:27:48Z")


@pytest.mark.parametrize("name", ["Mars/Base", "", "../../etc/passwd", "/etc/localtime", "\0"])
def test_an_unknown_zone_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="--timezone"):
        zone_of(name)
