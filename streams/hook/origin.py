"""The arguments of a hook, checked once."""

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
    """Return where the gateway is, and how it is reached.

    Raises:
        InvalidValue: an argument is wrong; the message names it, and does not repeat a token.
    """
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise InvalidValue("url is not an address; give it as http://127.0.0.1:8750") from None
    if address.scheme not in {"http", "https"} or not address.host:
        raise InvalidValue(
            "url must begin with http:// or https:// and name a host, as http://127.0.0.1:8750"
        )
    if not isinstance(deadline_ms, int | float) or not 0 < deadline_ms < float("inf"):
        raise InvalidValue("deadline_ms must be a number of milliseconds above 0")
    if token is not None and not (
        isinstance(token, str) and token.isascii() and token.isprintable()
    ):
        raise InvalidValue(
            "token must be printable ASCII, as 'misfire token new' prints it; strip the end of the line"
        )
    return Origin(
        url=address,
        token=token,
        tls=tls or _default_tls(address),
        trust_env=trust_env,
    )


def _default_tls(address: httpx.URL) -> ssl.SSLContext:
    """As httpx does; what a variable of the environment names and cannot be opened must not end the host."""
    if address.scheme == "https":
        try:
            return httpx.create_ssl_context()
        except (OSError, ssl.SSLError):
            warn(
                "a file that SSL_CERT_FILE, SSL_CERT_DIR or SSLKEYLOGFILE names cannot be used; none of them is"
            )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if address.scheme == "https":
        tls.load_verify_locations(certifi.where())
    return tls
