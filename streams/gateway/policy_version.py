"""Policy versions in both directions: the gateway sends its own, and checks the client's."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.telemetry import metrics
from streams.wire.http_headers import POLICY_VERSION

__all__ = ["PolicyVersion"]

logger = logging.getLogger(__name__)

#: How many versions are logged, once each; a client can send any text.
_MOST_WARNINGS = 16


class PolicyVersion:
    """Middleware that adds the gateway's policy version, ``version()``, to every response.

    A client whose fallbacks come from another version is counted and logged.
    """

    def __init__(self, app: ASGIApp, version: Callable[[], str]) -> None:
        self._app = app
        self._current = version
        self._warned: set[str] = set()

    @property
    def _version(self) -> str:
        return self._current().encode("latin-1", "replace").decode("latin-1")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        theirs = dict(scope["headers"]).get(POLICY_VERSION.encode())
        if theirs is not None and theirs.decode("latin-1") != self._version:
            self._differs(theirs.decode("latin-1"))

        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[POLICY_VERSION] = self._version
            await send(message)

        await self._app(scope, receive, send_with_header)

    def _differs(self, theirs: str) -> None:
        metrics.POLICY_DIFFERS.inc()
        if theirs not in self._warned and len(self._warned) < _MOST_WARNINGS:
            self._warned.add(theirs)
            logger.warning(
                "a client uses the fallbacks of policy %.40r, but this gateway uses policy %r",
                theirs,
                self._version,
            )
