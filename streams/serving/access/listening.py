"""The edge of the gateway and of the operator API: where it may listen, its certificate, and how their own tools come in."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import Any

from streams.errors import DependencyUnavailable, UsageError
from streams.files import certificates
from streams.settings import Settings, read_secret

__all__ = ["bearer_of", "check_edge", "client_context", "listen", "server_options"]


def check_edge(settings: Settings, part: str = "gateway") -> None:
    """Make sure that the gateway, or the operator API, is not open to a network by mistake.

    Args:
        settings: where it listens, and what it asks for.
        part: ``gateway`` or ``operator``, as the settings of its address are named.

    Raises:
        UsageError: every problem is listed.
    """
    host: str = getattr(settings, f"{part}_host")
    lacking = []
    if bool(settings.gateway_cert) != bool(settings.gateway_key):
        lacking.append("gateway_cert and gateway_key belong together: give both, or neither")
    if settings.gateway_client_ca and not settings.gateway_cert:
        lacking.append(
            "gateway_client_ca asks clients for certificates: give gateway_cert and gateway_key too"
        )
    if not _is_loopback(host) and not settings.trust_network:
        beyond = f"{part}_host {host} is no loopback address"
        if not settings.gateway_cert:
            lacking.append(f"{beyond}: give gateway_cert and gateway_key, so that TLS is spoken")
        if not (settings.access_file or settings.gateway_client_ca):
            lacking.append(
                f"{beyond}: give access_file (tokens) or gateway_client_ca (client certificates)"
            )
    if lacking:
        hint = "trust_network = true says that nobody else reaches it"
        raise UsageError(
            f"the {part} does not start:\n" + "\n".join(f"  - {text}" for text in [*lacking, hint])
        )


def server_options(settings: Settings) -> dict[str, Any]:
    """Return uvicorn's options for TLS; none where there is no certificate.

    Raises:
        DependencyUnavailable: a certificate or key cannot be used.
    """
    if settings.gateway_cert is None:
        return {}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.load_chain(context, settings.gateway_cert, settings.gateway_key)
    asked: dict[str, Any] = {}
    if settings.gateway_client_ca is not None:
        certificates.load_ca(context, settings.gateway_client_ca)
        asked = {
            "ssl_ca_certs": str(settings.gateway_client_ca),
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
        }
    return {
        "ssl_certfile": str(settings.gateway_cert),
        "ssl_keyfile": str(settings.gateway_key),
        **asked,
    }


def client_context(settings: Settings) -> ssl.SSLContext | None:
    """Return how a tool speaks TLS with the gateway; ``None`` where nothing is set: then as everybody does.

    Raises:
        DependencyUnavailable: a certificate or key cannot be used.
    """
    if settings.hook_ca is None and settings.hook_cert is None:
        return None
    return certificates.client_context(settings.hook_ca, settings.hook_cert, settings.hook_key)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        DependencyUnavailable: the address cannot be listened on.
    """
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise DependencyUnavailable(
            f"{host}:{port} cannot be listened on ({error.strerror}); name another port with --port"
        ) from error


def bearer_of(settings: Settings) -> str | None:
    """Return the token with which a tool asks.

    Raises:
        DependencyUnavailable: its file cannot be read.
    """
    return read_secret(settings.hook_token_file, "token")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
