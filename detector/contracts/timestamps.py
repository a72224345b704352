"""Parsing of timestamps: RFC 3339 (Klyne & Newman 2002) with a time zone.

Every other form is rejected. A lenient parser reads ``"20260105"`` as seconds since 1970, and a
time without a zone as local time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

from detector.contracts.errors import InvalidValue

__all__ = ["Timestamp", "in_utc", "in_zone", "read_timestamp"]

_HINT = "write it as RFC 3339 with a time zone, such as 2026-01-05T07:27:48Z"
_FORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}:[0-5][0-9])",
    re.IGNORECASE,
)
#: The time zones that exist: UTC-12 (Baker Island) to UTC+14 (Line Islands).
_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)


def read_timestamp(text: object) -> datetime:
    """Parse a timestamp.

    >>> read_timestamp("2026-01-05T13:12:48+05:45").isoformat()
    '2026-01-05T13:12:48+05:45'

    Raises:
        InvalidValue: ``text`` has another form (a number, a date alone, a time without a zone), or
            the date does not exist.
    """
    if isinstance(text, str) and _FORM.fullmatch(text):
        try:
            return in_zone(datetime.fromisoformat(text.upper()))
        except ValueError:
            raise InvalidValue(f"this time does not exist; {_HINT}") from None
    raise InvalidValue(f"this is not a timestamp; {_HINT}")


def in_utc(time: datetime) -> datetime:
    """Return the same point in time in UTC.

    Raises:
        InvalidValue: ``time`` has no time zone, or is out of range in UTC.
    """
    if time.tzinfo is UTC:
        return time
    if time.utcoffset() is None:
        raise InvalidValue(f"time has no time zone; {_HINT}")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise InvalidValue(f"this time does not exist; {_HINT}") from None


def in_zone(time: datetime) -> datetime:
    """Return the same point in time with the offset from UTC that it has, but no rules of a zone.

    An offset that no place has says nothing about local hours, so the time is converted to UTC.

    Raises:
        InvalidValue: ``time`` has no time zone, or is out of range in UTC.
    """
    utc, offset = in_utc(time), time.utcoffset()
    return utc.astimezone(timezone(offset)) if offset and _WEST <= offset <= _EAST else utc


class _FromText:
    """Make pydantic parse a time by ``read_timestamp`` alone; the core does not import pydantic."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: Callable[[Any], Any]
    ) -> dict[str, Any]:
        return {
            "type": "function-before",
            "function": {"type": "no-info", "function": _read},
            "schema": handler(source),
        }


def _read(value: object) -> datetime:
    return in_zone(value) if isinstance(value, datetime) else read_timestamp(value)


#: The type of a timestamp field in an event, outcome or answer.
Timestamp = Annotated[datetime, _FromText()]
