"""What the doctor says about one part, and how it asks."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import httpx

__all__ = ["Finding", "Way", "asked"]

_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: whether it is well, and one sentence."""

    part: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Way:
    """How a part is asked: over TLS or not, for which name its certificate has to be, and with which token."""

    tls: ssl.SSLContext | bool = True
    name: str | None = None
    token: str | None = None


def asked(url: str, way: Way | None = None, **parameters: str) -> httpx.Response | None:
    """What answers there; ``None`` where nothing does."""
    way = way or Way()
    headers = {"authorization": f"Bearer {way.token}"} if way.token else {}
    # Each address of a name is asked, and the certificate is the name's.
    extensions = {"sni_hostname": way.name} if way.name else {}
    try:
        with httpx.Client(verify=way.tls, timeout=_SECONDS) as client:
            return client.get(url, params=parameters, headers=headers, extensions=extensions)
    except httpx.HTTPError:
        return None
