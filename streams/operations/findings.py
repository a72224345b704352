"""Findings of the doctor, and the HTTP client that its checks share."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import httpx

from streams.files.certificates import verification

__all__ = ["ClientOptions", "Finding", "fetch"]

_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: the part, whether it is healthy, and one sentence about it."""

    part: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How to connect to a part.

    Attributes:
        tls: the TLS context; ``None`` for the system's certificates.
        name: the host name that the certificate must match; ``None`` for the URL's host.
        token: a bearer token.
    """

    tls: ssl.SSLContext | None = None
    name: str | None = None
    token: str | None = None


def fetch(
    url: str, options: ClientOptions | None = None, **parameters: str
) -> httpx.Response | None:
    """Send a GET request and return the response, or ``None`` if nothing answers."""
    options = options or ClientOptions()
    headers = {"authorization": f"Bearer {options.token}"} if options.token else {}
    # The URL contains one of the host's IP addresses, but the certificate is for the host's name.
    extensions = {"sni_hostname": options.name} if options.name else {}
    try:
        with httpx.Client(
            verify=options.tls or verification(url), timeout=_TIMEOUT_SECONDS
        ) as client:
            return client.get(url, params=parameters, headers=headers, extensions=extensions)
    except httpx.HTTPError:
        return None
