"""Requests that a browser sends for somebody else's page are refused, on loopback too: nothing else protects a server without tokens.

A page that resolves its own name to our address (DNS rebinding) shows that name in ``Host``. A page of another origin shows itself in
``Origin`` or ``Sec-Fetch-Site``, and without asking first it can only send bodies that are not JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic_core import to_json
from starlette.types import ASGIApp, Receive, Scope, Send

from streams.serving.problems import PROBLEM, problem
from streams.telemetry import metrics
from streams.wire.host_names import Named, canonical, named

__all__ = ["CALLBACK", "FOREIGN", "OnlyOwn", "is_json"]

#: What a late answer to a callback carries. A request with it is never a command.
CALLBACK = "x-misfire-callback"
#: Why a request is refused for where it comes from, and its status.
FOREIGN: Mapping[str, int] = {"wrong_host": 421, "foreign_origin": 403, "callback_sent": 403}
_DETAILS = {
    "wrong_host": "the Host header is not an address of this server; list the name in allowed_hosts",
    "foreign_origin": "pages of another origin may not ask this server",
    "callback_sent": f"a late answer ({CALLBACK}) is not a command; no callback may name this server",
    "media_type": "the body must be application/json, and Content-Type must say so once",
}
_STATUS = {**FOREIGN, "media_type": 415}
_ORIGIN = re.compile(r"(https?)://(.+)")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: CloudEvents in structured mode; the routes that take none refuse them (``streams/gateway/requests.py``).
_JSON_TYPES = frozenset({"application/json", "application/cloudevents+json"})


def is_json(content_type: str) -> bool:
    """Return whether a media type is JSON's or that of a CloudEvent in structured mode."""
    return content_type.partition(";")[0].strip().lower() in _JSON_TYPES


class OnlyOwn:
    """Middleware that refuses what somebody else's page sends, before anything of the body is read.

    Args:
        app: what is asked otherwise.
        hosts: names besides the address of the connection and loopback, each with a port or for every port.
        host: the name or address that the server listens on, asked by the connection's port.
    """

    def __init__(
        self, app: ASGIApp, hosts: frozenset[Named] = frozenset(), host: str = "localhost"
    ) -> None:
        self._app = app
        self._hosts = hosts
        # Every address is no address: browsers take 0.0.0.0 for loopback.
        self._listening = {*_LOOPBACK, canonical(host)} - {"0.0.0.0", "::"}  # noqa: S104 - refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI application."""
        code = self._refusal(scope) if scope["type"] == "http" else None
        if code is None:
            await self._app(scope, receive, send)
            return
        if code in FOREIGN:
            metrics.REFUSED.labels(code).inc()
        status = _STATUS[code]
        body = to_json(problem(code, status, _DETAILS[code]))
        headers = [
            (b"content-type", PROBLEM.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _refusal(self, scope: Scope) -> str | None:
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        hosts = [named(each) for each in headers.get("host", ())]
        if len(hosts) != 1 or hosts[0] is None or not self._is_ours(hosts[0], scope):
            return "wrong_host"
        origins = headers.get("origin", ())
        sites = headers.get("sec-fetch-site", ())
        if not all(_is_same(each, hosts[0], scope["scheme"]) for each in origins) or not {
            *sites
        } <= {
            "same-origin",
            "none",
        }:
            return "foreign_origin"
        if CALLBACK in headers:
            return "callback_sent"
        return None if _is_well_typed(scope["method"], headers) else "media_type"

    def _is_ours(self, host: Named, scope: Scope) -> bool:
        here, port = scope.get("server") or ("", None)
        if host.name in self._listening or host.name == canonical(here):
            return host.port in (None, port)
        return host in self._hosts or Named(host.name, None) in self._hosts


def _is_same(origin: str, host: Named, scheme: str) -> bool:
    """Whether an origin is the host that was asked; ``https`` may end in front of the server."""
    match = _ORIGIN.fullmatch(origin.lower())
    their = named(match[2]) if match else None
    if match is None or their is None or match[1] not in (scheme, "https"):
        return False
    default = _DEFAULT_PORTS[match[1]]
    return (their.name, their.port or default) == (host.name, host.port or default)


def _is_well_typed(method: str, headers: Mapping[str, list[str]]) -> bool:
    types = headers.get("content-type", [])
    has_body = "transfer-encoding" in headers or any(
        each.strip() != "0" for each in headers.get("content-length", ())
    )
    if not has_body and (method in _READING or not types):
        return True
    return len(types) == 1 and is_json(types[0])
