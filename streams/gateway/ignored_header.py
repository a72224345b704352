"""Reports ignored fields to the client, so a misspelled name shows in the first response."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.wire.http_headers import IGNORED_FIELDS
from streams.wire.ignored_fields import listed

__all__ = ["IgnoredFields", "note_ignored"]

_STATE = "misfire_ignored_fields"


def note_ignored(request: Request, names: set[str]) -> None:
    """Add field names to report in the response to a request."""
    if names:
        request.scope.setdefault(_STATE, set()).update(names)


class IgnoredFields:
    """Middleware that lists the ignored fields of a request in a response header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI application."""
        noted: set[str] = set()
        scope[_STATE] = noted

        async def send_with_header(message: Message) -> None:
            if noted and message["type"] == "http.response.start":
                MutableHeaders(scope=message)[IGNORED_FIELDS] = listed(noted)
            await send(message)

        await self._app(scope, receive, send_with_header)
