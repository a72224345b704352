"""Addresses as they may be shown: without the user, the password and the query that stand in some."""

from __future__ import annotations

import re

__all__ = ["shown"]

_USER = re.compile(r"(?<=://)[^/\s]*@")
_QUERY = re.compile(r"(://[^\s?#]*)[?#]\S*")


def shown(text: str) -> str:
    """Return a text in which no address says who asks.

    >>> shown("http://otel:s3cret@127.0.0.1:4318?token=t0p")
    'http://…@127.0.0.1:4318?…'
    """
    return _QUERY.sub(r"\1?…", _USER.sub("…@", text))
