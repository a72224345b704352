"""Points in time as they come in: RFC 3339 (Klyne & Newman 2002) with a zone, kept in UTC. Anything else is refused.

A reader that guesses takes ``"20260105"`` for seconds since 1970, and a time without a zone for its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from detector.contracts.errors import InvalidValue

__all__ = ["Timestamp", "in_utc", "read_timestamp"]

_HINT = "write it as RFC 3339 with its zone, such as 2026-01-05T07:27:48Z"
_FORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-5][0-9])",
    re.IGNORECASE,
)


def read_timestamp(text: object) -> datetime:
    """Read a point in time.

    >>> read_timestamp("2026-01-05T13:12:48+05:45").isoformat()
    '2026-01-05T07:27:48+00:00'

    Raises:
        InvalidValue: it is anything else: a number, a date alone, a time without a zone, or one that no calendar has.
    """
    if isinstance(text, str) and _FORM.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidValue(f"the calendar has no such time; {_HINT}") from None
    raise InvalidValue(f"this is no point in time; {_HINT}")


def in_utc(time: datetime) -> datetime:
    """Return the same point in time in UTC.

    Raises:
        InvalidValue: it has no zone.
    """
    if time.tzinfo is UTC:
        return time
    if time.utcoffset() is None:
        raise InvalidValue(f"time has no zone; {_HINT}")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise InvalidValue(f"the calendar has no such time; {_HINT}") from None


class _FromText:
    """Tells pydantic, which the core does not know, to read a time from text by ``read_timestamp`` alone."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: Callable[[Any], Any]
    ) -> dict[str, Any]:
        return {
            "type": "function-before",
            "function": {"type": "no-info", "function": _read},
            "schema": handler(source),
        }


def _read(value: object) -> datetime:
    return in_utc(value) if isinstance(value, datetime) else read_timestamp(value)


#: A time of a value that comes in.
Timestamp = Annotated[datetime, _FromText()]
