"""How the gateway and the operator API listen: their addresses and their certificates.

The client side of the same settings, for misfire's own tools, is here as well.
"""

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
    """Check that the configuration does not expose a server to a network by mistake.

    Args:
        settings: the addresses, certificates and access file.
        part: ``gateway`` or ``operator``, the prefix of the settings of its address.

    Raises:
        UsageError: with every problem found.
    """
    host: str = getattr(settings, f"{part}_host")
    problems = []
    if bool(settings.gateway_cert) != bool(settings.gateway_key):
        problems.append("gateway_cert and gateway_key belong together: give both, or neither")
    if settings.gateway_client_ca and not settings.gateway_cert:
        problems.append(
            "gateway_client_ca asks clients for certificates: give gateway_cert and gateway_key too"
        )
    if not _is_loopback(host) and not settings.trust_network:
        beyond = f"{part}_host {host} is not a loopback address"
        if not settings.gateway_cert:
            problems.append(f"{beyond}: give gateway_cert and gateway_key to use TLS")
        if not (settings.access_file or settings.gateway_client_ca):
            problems.append(
                f"{beyond}: give access_file (tokens) or gateway_client_ca (client certificates)"
            )
    if problems:
        hint = "set trust_network = true only if no untrusted client can reach that network"
        raise UsageError(
            f"the {part} does not start:\n" + "\n".join(f"  - {text}" for text in [*problems, hint])
        )


def server_options(settings: Settings) -> dict[str, Any]:
    """Return uvicorn's options for TLS; empty if no certificate is configured.

    Raises:
        DependencyUnavailable: a certificate or key cannot be used.
    """
    if settings.gateway_cert is None:
        return {}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.load_chain(context, settings.gateway_cert, settings.gateway_key)
    verification: dict[str, Any] = {}
    if settings.gateway_client_ca is not None:
        certificates.load_ca(context, settings.gateway_client_ca)
        verification = {
            "ssl_ca_certs": str(settings.gateway_client_ca),
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
        }
    return {
        "ssl_certfile": str(settings.gateway_cert),
        "ssl_keyfile": str(settings.gateway_key),
        **verification,
    }


def client_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context of misfire's own HTTP clients.

    ``None`` means that no certificate is configured and httpx's defaults apply.

    Raises:
        DependencyUnavailable: a certificate or key cannot be used.
    """
    if settings.hook_ca is None and settings.hook_cert is None:
        return None
    return certificates.client_context(settings.hook_ca, settings.hook_cert, settings.hook_key)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        DependencyUnavailable: the address cannot be used.
    """
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise DependencyUnavailable(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another port with --port"
        ) from error


def bearer_of(settings: Settings) -> str | None:
    """Return the bearer token of misfire's own HTTP clients.

    Raises:
        DependencyUnavailable: the token file cannot be read.
    """
    return read_secret(settings.hook_token_file, "token")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
