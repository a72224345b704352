"""Times of foreign logs: ISO 8601, seconds or milliseconds since 1970, or a given format.

A time without a zone is local to the home. When clocks are set back, an hour exists twice, and the
earlier one is assumed; when they are set forward, an hour does not exist, and a time in it is moved
past it (PEP 495, ``fold=0``). Both are counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from detector.contracts.timestamps import in_zone
from streams.errors import UsageError
from streams.files.importers.records import Unreadable

__all__ = ["Times", "zone_of"]

#: Voice assistants are younger than this, and a later time is a clock that was never set.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
#: Seconds since 1970 have ten digits until 2286, milliseconds have thirteen.
_MILLISECONDS_FROM = 1e11
_NUMBER = re.compile(r"-?[0-9]{1,16}(?:\.[0-9]{1,9})?")
_ISO = re.compile(
    r"(?P<time>[0-9-]{8,10}[Tt ][0-9:]{4,8}(?:[.,][0-9]{1,9})?)"
    r"(?: ?(?P<zone>[Zz]|UTC|[+-][0-9:]{2,8}))?"
)
_LONGEST = 64


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name, such as ``Europe/Lisbon``.

    Raises:
        UsageError: the zone is unknown.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"--timezone {name[:_LONGEST]!r} is unknown; give an IANA name, such as Europe/Lisbon"
        ) from None


@dataclass(slots=True)
class Times:
    """Reads times, and counts those that the change of clocks makes ambiguous or impossible.

    Attributes:
        zone: of the home, and of times without a zone.
        form: format of ``datetime.strptime``; by default ISO 8601 and numbers are read.
        ambiguous: times in an hour that exists twice.
        impossible: times in an hour that does not exist.
    """

    zone: tzinfo = UTC
    form: str | None = None
    ambiguous: int = 0
    impossible: int = 0

    def read(self, value: object) -> datetime:
        """Return a time in the zone of the home.

        >>> Times().read(1767598068000).isoformat()
        '2026-01-05T07:27:48+00:00'

        Raises:
            Unreadable: the value is not a time, or is outside of 2000 to 2099.
        """
        try:
            found = self._parsed(value)
            aware = self._local(found) if found.utcoffset() is None else found
            # A fixed offset, because times in the hour that exists twice equal no other time.
            time = in_zone(aware.astimezone(self.zone))
        except (ValueError, OverflowError, OSError, re.error):
            raise Unreadable("the time cannot be read") from None
        if not _EARLIEST <= time < _LATEST:
            raise Unreadable("the time is outside of 2000 to 2099")
        return time

    def _parsed(self, value: object) -> datetime:
        if isinstance(value, str) and len(value) <= _LONGEST:
            text = value.strip()
            if self.form is not None:
                return datetime.strptime(text, self.form)  # noqa: DTZ007 - the zone is added
            if not _NUMBER.fullmatch(text):
                return datetime.fromisoformat(_with_time(text))
            value = float(text)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unreadable
        seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
        return datetime.fromtimestamp(seconds, UTC)

    def _local(self, time: datetime) -> datetime:
        """Add the zone to a time without one."""
        first = time.replace(tzinfo=self.zone, fold=0)
        if first.utcoffset() != first.replace(fold=1).utcoffset():
            if first.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) == time:
                self.ambiguous += 1
            else:
                self.impossible += 1
        return first


def _with_time(text: str) -> str:
    """Return an ISO 8601 time; a date alone is refused, because it would mean midnight."""
    found = _ISO.fullmatch(text)
    if found is None:
        raise Unreadable
    return found["time"] + {"UTC": "Z"}.get(found["zone"] or "", found["zone"] or "")
