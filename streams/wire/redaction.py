"""Redaction of addresses: users, passwords and queries are removed before an address is shown."""

from __future__ import annotations

import re

__all__ = ["redacted"]

_USER = re.compile(r"(?<=://)[^/\s]*@")
_QUERY = re.compile(r"(://[^\s?#]*)[?#]\S*")


def redacted(text: str) -> str:
    """Return a text without users, passwords and queries in its addresses.

    >>> redacted("http://otel:s3cret@127.0.0.1:4318?token=t0p")
    'http://…@127.0.0.1:4318?…'
    """
    return _QUERY.sub(r"\1?…", _USER.sub("…@", text))
