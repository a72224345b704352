"""Validates the arguments of a hook that describe its connection to the gateway."""

from __future__ import annotations

import ssl

import certifi
import httpx

from detector.contracts.errors import InvalidValue
from streams.hook.calls import warn
from streams.hook.connection import Origin

__all__ = ["origin_of"]


def origin_of(
    url: str, *, deadline_ms: object, token: object, tls: ssl.SSLContext | None, trust_env: bool
) -> Origin:
    """Return the gateway's origin.

    Raises:
        InvalidValue: an argument is invalid; the message names it and never contains the token.
    """
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise InvalidValue("url is not a URL; give it as http://127.0.0.1:8750") from None
    if address.scheme not in {"http", "https"} or not address.host:
        raise InvalidValue(
            "url must start with http:// or https:// and name a host, as in http://127.0.0.1:8750"
        )
    if not isinstance(deadline_ms, int | float) or not 0 < deadline_ms < float("inf"):
        raise InvalidValue("deadline_ms must be a number of milliseconds greater than 0")
    if token is not None and not (
        isinstance(token, str) and token.isascii() and token.isprintable()
    ):
        raise InvalidValue(
            "token must be printable ASCII, as 'misfire token new' prints it;"
            " strip the trailing newline"
        )
    return Origin(
        url=address,
        token=token,
        tls=tls or _default_tls(address),
        trust_env=trust_env,
    )


def _default_tls(address: httpx.URL) -> ssl.SSLContext:
    """Return httpx's default context; ignore environment variables that name unusable files."""
    if address.scheme == "https":
        try:
            return httpx.create_ssl_context()
        except (OSError, ssl.SSLError):
            warn(
                "a file named by SSL_CERT_FILE, SSL_CERT_DIR or SSLKEYLOGFILE cannot be used;"
                " ignoring all three"
            )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if address.scheme == "https":
        tls.load_verify_locations(certifi.where())
    return tls
