"""Parsing of hosts in headers and settings into one canonical form."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Named", "canonical", "named", "named_hosts"]

_NAMED = re.compile(r"(\[[0-9a-f:.]+\]|[0-9a-z_]([0-9a-z_.-]*[0-9a-z_])?)\.?(:([0-9]{1,5}))?")
#: Hosts whose parsed form is cached: a server has a few names, and a client may send any.
_CACHED = 256


class Named(NamedTuple):
    """A canonical host name or address, and the port if there is one."""

    name: str
    port: int | None


@lru_cache(maxsize=_CACHED)
def named(text: str) -> Named | None:
    """Parse ``HOST[:PORT]``; return ``None`` for anything else."""
    match = _NAMED.fullmatch(text.lower()) if text.isascii() else None
    if match is None:
        return None
    return Named(canonical(match[1].strip("[]")), int(match[4]) if match[4] else None)


def named_hosts(listed: str) -> frozenset[Named]:
    """Parse the setting ``allowed_hosts``: ``HOST[:PORT][,HOST[:PORT]…]``.

    Raises:
        ValueError: an entry is not a host; the message quotes it.
    """
    found = set()
    for entry in filter(None, (each.strip() for each in listed.split(","))):
        host = named(entry)
        if host is None:
            raise ValueError(f"{entry!r} is not HOST or HOST:PORT")
        found.add(host)
    return frozenset(found)


@lru_cache(maxsize=_CACHED)
def canonical(name: str) -> str:
    """Return an address in its canonical form, and any other name in lower case."""
    try:
        found = ipaddress.ip_address(name)
    except ValueError:
        return name.lower()
    return str(getattr(found, "ipv4_mapped", None) or found)
