"""Fuzz targets for the HTTP APIs: every request gets an answer, and none an internal error."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import Any
from unittest.mock import patch

from fastapi import FastAPI

from streams.errors import DependencyUnavailable
from streams.gateway.ladder import Ladder
from streams.gateway.routes import build_gateway
from streams.kafka.connection import Brokers
from streams.privacy import holdings
from streams.privacy import operator_api as api
from streams.serving.access.guard import Guard
from streams.serving.access.token_file import AccessToken, Scope, new_token
from streams.settings import Settings
from tests.detector.builders import hand_bundle

__all__ = ["CUT", "gateway", "operator"]

#: Separates the parts of an input.
CUT = b"\xff\x00"
_GATEWAY = (
    ("POST", "/v1/decide"),
    ("POST", "/v1/decide/batch"),
    ("POST", "/v1/outcomes"),
    ("POST", "/v1/confirmations/c1"),
    ("GET", "/metrics"),
)
_OPERATOR = (
    ("GET", "/v1/households/h1"),
    ("POST", "/v1/households/h1/export"),
    ("POST", "/v1/households/h1/erasure"),
    ("GET", "/v1/households/h1/erasure"),
)
#: Statuses for missing dependencies, which the targets do not have. Any other 5xx is a bug.
_UNAVAILABLE = {503, 504}


def gateway(data: bytes) -> None:
    """Send an input to each route of a gateway without a broker.

    The parts are the body, the query, the path parameter, then names and values of headers.
    """
    _ask_all(_gateway(), _GATEWAY, data)


def operator(data: bytes) -> None:
    """Send an input to each route of the operator API; the parts are those of ``gateway``."""
    with (
        patch.object(holdings, "later_topics_missing", _no_broker),
        patch.object(api, "send_command", _no_broker),
    ):
        _ask_all(_operator(), _OPERATOR, data)


def _ask_all(app: FastAPI, routes: tuple[tuple[str, str], ...], data: bytes) -> None:
    body, query, path, *rest = (*data.split(CUT), b"", b"", b"")[:15]
    headers = [
        (name.lower(), value) for name, value in zip(rest[::2], rest[1::2], strict=False) if name
    ]
    defaults = {
        b"host": b"127.0.0.1:8750",
        b"content-type": b"application/json",
        b"authorization": f"Bearer {_token()[0]}".encode(),
    }
    named = {name for name, _ in headers}
    headers = [*(each for each in defaults.items() if each[0] not in named), *headers]
    # Without a worker, the gateway answers at the deadline: keep it short.
    headers.append((b"x-misfire-deadline-ms", b"1"))
    for method, route in routes:
        wanted = route.replace("h1", path.decode("latin-1") or "h1").replace(
            "c1", path.decode("latin-1") or "c1"
        )
        status, kind, answer = _loop().run_until_complete(
            _request(app, method, wanted, query, headers, body)
        )
        assert status < 500 or status in _UNAVAILABLE, (method, route, status, answer[:200])
        if kind.endswith(b"json"):
            json.loads(answer)


async def _request(  # noqa: PLR0917 - the parts of a request
    app: FastAPI,
    method: str,
    path: str,
    query: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> tuple[int, bytes, bytes]:
    messages: list[Any] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": query,
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8750),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    await asyncio.wait_for(app(scope, receive, send), 20)
    sent = dict(messages[0]["headers"])
    return (
        messages[0]["status"],
        sent.get(b"content-type", b""),
        b"".join(each.get("body", b"") for each in messages[1:]),
    )


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


@cache
def _gateway() -> FastAPI:
    bundle = hand_bundle()
    return build_gateway(Settings(broker="broker.invalid:9092"), Ladder(bundle.policy, bundle))


@cache
def _operator() -> FastAPI:
    return api.build_operator(Brokers("broker.invalid:9092"), Guard(None, _token()[1]))


@cache
def _token() -> tuple[str, AccessToken]:
    return new_token("operator", frozenset({Scope.OPERATE, Scope.EXPORT}), 1_000_000)


def _no_broker(*_: object) -> None:
    raise DependencyUnavailable("no broker")
