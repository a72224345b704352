"""Middleware against cross-site requests and DNS rebinding.

It also protects a server on loopback, which has no tokens. A page that resolves its own name to
our address (DNS rebinding) sends that name in ``Host``. A page of another origin is visible in
``Origin`` or ``Sec-Fetch-Site``; without a CORS preflight it cannot send JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic_core import to_json
from starlette.types import ASGIApp, Receive, Scope, Send

from streams.serving.problems import PROBLEM, problem
from streams.telemetry import metrics
from streams.wire.host_names import Named, canonical, named

__all__ = ["CALLBACK", "FORM_TYPE", "HOST_REFUSALS", "HostCheck", "is_json"]

#: The header of a late answer to a callback. A request that carries it is never a command.
CALLBACK = "x-misfire-callback"
#: Why a request is refused because of its origin, and the HTTP status.
HOST_REFUSALS: Mapping[str, int] = {
    "wrong_host": 421,
    "foreign_origin": 403,
    "callback_sent": 403,
}
_DETAILS = {
    "wrong_host": (
        "the Host header is not an address of this server; list the name in allowed_hosts"
    ),
    "foreign_origin": "pages of another origin may not send requests to this server",
    "callback_sent": (
        f"a late answer ({CALLBACK}) is not a command; a callback must not point at this server"
    ),
    "media_type": "the body must be application/json, with exactly one Content-Type header",
}
_STATUS = {**HOST_REFUSALS, "media_type": 415}
_ORIGIN = re.compile(r"(https?)://(.+)")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: JSON, and structured CloudEvents; a route that takes no CloudEvents refuses the latter itself
#: (``streams/gateway/requests.py``).
_JSON_TYPES = frozenset({"application/json", "application/cloudevents+json"})

#: The type of HTML forms without files.
FORM_TYPE = "application/x-www-form-urlencoded"


def is_json(content_type: str) -> bool:
    """Return whether a media type is JSON or a structured CloudEvent."""
    return content_type.partition(";")[0].strip().lower() in _JSON_TYPES


class HostCheck:
    """Middleware that refuses cross-site requests before it reads the body.

    Args:
        app: the application.
        hosts: names that are allowed besides loopback and the connection's own address; each has
            a port, or is valid for every port.
        host: the name or address that the server listens on, valid for the connection's port.
        forms: the path below which a page of this server may send HTML forms; none by default.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: frozenset[Named] = frozenset(),
        host: str = "localhost",
        forms: str | None = None,
    ) -> None:
        self._app = app
        self._forms = forms
        self._hosts = hosts
        # The unspecified address is not a valid host: browsers treat 0.0.0.0 as loopback.
        self._listening = {*_LOOPBACK, canonical(host)} - {"0.0.0.0", "::"}  # noqa: S104 - refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI application."""
        code = self._refusal(scope) if scope["type"] == "http" else None
        if code is None:
            await self._app(scope, receive, send)
            return
        if code in HOST_REFUSALS:
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
        if len(hosts) != 1 or hosts[0] is None or not self._is_own(hosts[0], scope):
            return "wrong_host"
        same_origin = all(
            _is_same(each, hosts[0], scope["scheme"]) for each in headers.get("origin", ())
        )
        sites = set(headers.get("sec-fetch-site", ()))
        if not same_origin or not sites <= {"same-origin", "none"}:
            return "foreign_origin"
        if CALLBACK in headers:
            return "callback_sent"
        if _has_json_type(scope["method"], headers) or self._is_own_form(scope["path"], headers):
            return None
        return "media_type"

    def _is_own_form(self, path: str, headers: Mapping[str, list[str]]) -> bool:
        """Return whether a page of this server sends a form.

        A page of any origin can send a form without a CORS preflight, but every browser then names
        the origin, which has been compared with the host.
        """
        types = headers.get("content-type", [])
        return (
            self._forms is not None
            and path.startswith(self._forms)
            and "origin" in headers
            and [each.partition(";")[0].strip().lower() for each in types] == [FORM_TYPE]
        )

    def _is_own(self, host: Named, scope: Scope) -> bool:
        here, port = scope.get("server") or ("", None)
        if host.name in self._listening or host.name == canonical(here):
            return host.port in (None, port)
        return host in self._hosts or Named(host.name, None) in self._hosts


def _is_same(origin: str, host: Named, scheme: str) -> bool:
    """Return whether an origin is the requested host; a proxy may have terminated ``https``."""
    match = _ORIGIN.fullmatch(origin.lower())
    origin_host = named(match[2]) if match else None
    if match is None or origin_host is None or match[1] not in (scheme, "https"):
        return False
    default = _DEFAULT_PORTS[match[1]]
    return (origin_host.name, origin_host.port or default) == (host.name, host.port or default)


def _has_json_type(method: str, headers: Mapping[str, list[str]]) -> bool:
    types = headers.get("content-type", [])
    has_body = "transfer-encoding" in headers or any(
        each.strip() != "0" for each in headers.get("content-length", ())
    )
    if not has_body and (method in _SAFE_METHODS or not types):
        return True
    return len(types) == 1 and is_json(types[0])
