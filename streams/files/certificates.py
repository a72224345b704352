"""TLS contexts from certificate files, for clients and servers."""

from __future__ import annotations

import ssl
from pathlib import Path

from streams.errors import DependencyUnavailable

__all__ = ["client_context", "load_ca", "load_chain", "verification"]

_TRUSTS_NONE = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def verification(url: str) -> ssl.SSLContext | bool:
    """Return the argument ``verify`` of httpx for a URL.

    By default, each client loads all certificate authorities, which takes 35 ms of CPU. Plain HTTP
    needs none.
    """
    return _TRUSTS_NONE if url.startswith("http:") else True


def client_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """Return a client's TLS context.

    Args:
        ca: certificates of the trusted authorities; ``None`` for those of the system.
        cert: the client's own certificate, if any.
        key: the key of ``cert``.

    Raises:
        DependencyUnavailable: a certificate or key cannot be used.
    """
    context = ssl.create_default_context()
    if ca is not None:
        load_ca(context, ca)
    if cert is not None:
        load_chain(context, cert, key)
    return context


def load_chain(context: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    """Load a certificate and its key.

    Raises:
        DependencyUnavailable: they cannot be used.
    """
    try:
        # An empty password: OpenSSL would prompt for one otherwise.
        context.load_cert_chain(cert, key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise DependencyUnavailable(
            f"the certificate {cert} with key {key} cannot be used: {_why(error)}"
        ) from None


def load_ca(context: ssl.SSLContext, ca: Path) -> None:
    """Load the certificates of the authorities that sign the peer's certificate.

    Raises:
        DependencyUnavailable: they cannot be used.
    """
    try:
        context.load_verify_locations(ca)
    except OSError as error:
        raise DependencyUnavailable(
            f"the certificates in {ca} cannot be used: {_why(error)}"
        ) from None


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
