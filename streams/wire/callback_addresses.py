"""Allowed callback addresses for late answers: the operator lists them for each tenant.

An address is compared and called in one canonical form. Everything that two URL parsers may read
differently is refused: users, escapes, backslashes, dot segments, queries, and numbers in place of
addresses. A listed host name is trusted; what it resolves to is not checked.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

from streams.errors import RecordError
from streams.wire.redaction import redacted

__all__ = ["MAX_URL_LENGTH", "Allowed", "allowed_callbacks", "check_callback"]

#: The limit that common servers set for a request line.
MAX_URL_LENGTH = 2_048
_URL = re.compile(
    r"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?)\.?"
    r"(:(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(/[0-9A-Za-z_~.-]+)*)/?"
)
_ENTRY = re.compile(r"((?P<tenant>[^,=]{1,64})=)?(?P<url>https?://[^,]+)")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Allowed:
    """One listed address. ``tenant`` is ``None`` for a gateway without tokens."""

    tenant: str | None
    origin: str
    path: str

    def admits(self, origin: str, path: str) -> bool:
        """Return whether an address is this one or below it."""
        return origin == self.origin and (path == self.path or path.startswith(f"{self.path}/"))


@lru_cache(maxsize=16)
def allowed_callbacks(listed: str) -> tuple[Allowed, ...]:
    """Read the setting ``callback_urls``: ``[TENANT=]URL[,[TENANT=]URL…]``.

    Raises:
        ValueError: an entry is not an address; the message quotes it.
    """
    found = []
    for entry in filter(None, listed.split(",")):
        match = _ENTRY.fullmatch(entry.strip())
        parts = _canonical(match["url"]) if match else None
        if match is None or parts is None:
            raise ValueError(
                f"{redacted(entry.strip())!r} is not [TENANT=]http[s]://HOST[:PORT][/PATH]"
                " without user, query and escapes"
            )
        found.append(Allowed(match["tenant"], *parts))
    return tuple(found)


def check_callback(url: str, listed: str, tenant: str | None) -> str:
    """Return the canonical form of a tenant's callback address if it is allowed.

    Args:
        url: the address as the client wrote it.
        listed: the setting ``callback_urls``.
        tenant: the tenant of the client's token; ``None`` if the gateway requires no tokens.

    Raises:
        RecordError: with code ``bad_callback``.
    """
    parts = _canonical(url) if len(url) <= MAX_URL_LENGTH else None
    if parts is None:
        raise RecordError(
            "bad_callback",
            "the callback must be http[s]://HOST[:PORT][/PATH]"
            " without user, query, escapes and dot segments",
        )
    if not any(each.tenant == tenant and each.admits(*parts) for each in allowed_callbacks(listed)):
        raise RecordError(
            "bad_callback",
            "the callback is not allowed;"
            " the operator lists each tenant's addresses in callback_urls",
        )
    return "".join(parts)


def _canonical(url: str) -> tuple[str, str] | None:
    """Return origin and path, or ``None`` if they are ambiguous.

    The host is in lower case, the default port is left out, and the path has no slash at its end.
    """
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme, host, path = match["scheme"].lower(), match["host"].lower(), match["path"]
    port = int(match["port"] or _DEFAULT_PORTS[scheme])
    if not 1 <= port <= 65_535 or {".", ".."} & set(path.split("/")) or ".." in host:
        return None
    if host.startswith("["):
        try:
            host = f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
        except ValueError:
            return None
    port_part = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{host}{port_part}", path
