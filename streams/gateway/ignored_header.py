"""Tells an asker which fields of what was sent nobody read: a slip in a name is seen at the first answer."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.wire.http_headers import IGNORED_FIELDS
from streams.wire.ignored_fields import listed

__all__ = ["IgnoredFields", "note_ignored"]

_STATE = "misfire_ignored_fields"


def note_ignored(request: Request, names: set[str]) -> None:
    """Let the answer to a request name these fields."""
    if names:
        request.scope.setdefault(_STATE, set()).update(names)


class IgnoredFields:
    """Puts the names that were noted into a header of the answer, whether it is a good one or a refusal."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as an ASGI application."""
        noted: set[str] = set()
        scope[_STATE] = noted

        async def told(message: Message) -> None:
            if noted and message["type"] == "http.response.start":
                MutableHeaders(scope=message)[IGNORED_FIELDS] = listed(noted)
            await send(message)

        await self._app(scope, receive, told)
